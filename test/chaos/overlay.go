//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// overlaySpec is an overlay of deploy/ with the changes that chaos makes.
type overlaySpec struct {
	name       string
	base       string // directory in deploy/overlays
	replicated bool   // two pods of each workload, including those outside the mesh
	collector  bool   // services and lab also send their spans to chaos's own collector
	diskFull   bool   // the lab's output, logs included, is written to a full disk
}

// overlay is a copy of deploy/ that chaos may edit, with its own overlay that adds to a shipped one.
type overlay struct {
	deploy, dir string
}

// copyOverlay copies deploy/ into a directory. spans is the address to which services send their spans; empty means the lab.
func copyOverlay(root, into string, s overlaySpec, spans string) (*overlay, error) {
	o := &overlay{deploy: filepath.Join(into, "deploy")}
	o.dir = filepath.Join(o.deploy, "overlays", "chaos")
	if err := os.CopyFS(o.deploy, os.DirFS(filepath.Join(root, "deploy"))); err != nil {
		return nil, err
	}
	if err := os.Mkdir(o.dir, 0o755); err != nil {
		return nil, err
	}
	if err := o.restart(); err != nil {
		return nil, err
	}
	if err := o.limitCore(false); err != nil {
		return nil, err
	}
	return o, os.WriteFile(filepath.Join(o.dir, "kustomization.yaml"), []byte(kustomization(s, spans)), 0o644)
}

// kustomization returns chaos's own overlay.
func kustomization(s overlaySpec, spans string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - ../%s\npatches:\n", s.base)
	b.WriteString("  - {path: restart.yaml, target: {kind: Deployment}}\n")
	b.WriteString("  - {path: core.yaml, target: {kind: VirtualService, name: core}}\n")
	if s.replicated { // component replicated leaves out what is outside the mesh
		b.WriteString("  - target: {kind: Deployment}\n    patch: '- {op: add, path: /spec/replicas, value: 2}'\n")
	}
	if spans != "" {
		// The lab sets the variable OTEL_EXPORTER_ZIPKIN_ENDPOINT itself. A flag takes precedence over it.
		fmt.Fprintf(&b, "  - target: {kind: Deployment}\n    patch: '- {op: add, path: /spec/template/spec/containers/0/args, value: [\"--otel-exporter-zipkin-endpoint=%s\"]}'\n", spans)
	}
	return b.String()
}

// restart changes an annotation of every pod template, as `kubectl rollout restart` does.
func (o *overlay) restart() error {
	return o.write("restart.yaml", fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: every-workload}
spec:
  template:
    metadata:
      annotations: {kubectl.kubernetes.io/restartedAt: %q}
`, time.Now().Format(time.RFC3339Nano)))
}

// The timeouts that limitCore sets on calls of core.
const (
	coreTimeout = time.Second
	coreTry     = 300 * time.Millisecond
)

// While core is limited, its rules respond to a request that has this header with the header's value, which shows that they are active.
// Services pass on headers whose names begin with this prefix.
const (
	signHeader = "x-fault-chaos"
	sign       = "limited"
)

// limitCore sets a timeout on calls of core, or removes it.
func (o *overlay) limitCore(on bool) error {
	patch := "[]\n"
	if on {
		patch = fmt.Sprintf("- {op: add, path: /spec/http/1/timeout, value: %v}\n"+
			"- {op: add, path: /spec/http/1/retries, value: {attempts: 2, perTryTimeout: %v, retryOn: 5xx}}\n"+
			"- {op: add, path: /spec/http/0, value: {match: [{headers: {%s: {exact: %s}}}], directResponse: {status: 418, body: {string: %s}}}}\n",
			coreTimeout, coreTry, signHeader, sign, sign)
	}
	return o.write("core.yaml", patch)
}

// weight matches the weights of middle's versions in the shipped rule.
var weight = regexp.MustCompile(`(subset: (prod|canary)\}, weight: )\d+`)

// weights sets the weight of middle's canary, in per cent.
func (o *overlay) weights(canary int) error {
	file := filepath.Join(o.deploy, "overlays", "canary", "middle.yaml")
	rule, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	places := weight.FindAllSubmatch(rule, -1)
	if len(places) != 2 {
		return fmt.Errorf("%s: want a weight for prod and one for canary, found %d weights", file, len(places))
	}
	rule = weight.ReplaceAllFunc(rule, func(place []byte) []byte {
		parts := weight.FindSubmatch(place)
		share := canary
		if string(parts[2]) == "prod" {
			share = 100 - canary
		}
		return fmt.Appendf(nil, "%s%d", parts[1], share)
	})
	return os.WriteFile(file, rule, 0o644)
}

func (o *overlay) write(name, text string) error {
	return os.WriteFile(filepath.Join(o.dir, name), []byte(text), 0o644)
}
