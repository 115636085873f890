package apiserver

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

// TestContext reads a real API server by kubectl: hopline explain, lint and diff with --context. It needs kubectl too.
func TestContext(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("kubectl"); err != nil {
		t.Skip("no kubectl in PATH")
	}
	c := &cluster{t: t, dir: t.TempDir()}
	c.addContexts(start(t).kubeconfig)
	hopline := filepath.Join(c.dir, "hopline")
	build := exec.Command("go", "build", "-o", hopline, "./cmd/hopline")
	build.Dir, build.Env = filepath.Join("..", "..", "lab"), append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run := func(want int, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), hopline, args...)
		cmd.Env = append(os.Environ(), "KUBECONFIG="+c.config)
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("hopline %q: exit code %d, want %d\n%s", args, got, want, out)
		}
		return string(out)
	}
	contains := func(out string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(out, want) {
				t.Errorf("no %q in\n%s", want, out)
			}
		}
	}
	contains(run(2, "lint", "--context", "admin"), "context admin: the cluster has no virtualservices.networking.istio.io, ", ": want one with Istio")
	contains(run(2, "lint", "--context", "nowhere"), "context nowhere: kubectl api-resources: error: context \"nowhere\" does not exist")

	c.kubectl("create", "-f", filepath.Join(module(t, "istio.io/api"), "kubernetes", "customresourcedefinitions.gen.yaml"))
	c.kubectl("wait", "--for=condition=established", "--timeout=60s", "crd", "--all")
	contains(run(2, "explain", "GET", "http://b/", "--context", "stranger"), "context stranger: kubectl ", "orbidden")

	// z is older than a: it has the host, although a file would give it to a.
	c.apply("{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {istio-injection: enabled}}}",
		"{apiVersion: v1, kind: Service, metadata: {name: b, namespace: shop}, spec: {selector: {app: b}, ports: [{name: http, port: 80}]}}",
		"{apiVersion: apps/v1, kind: Deployment, metadata: {name: b, namespace: shop}, spec: {selector: {matchLabels: {app: b}}, template: {metadata: {labels: {app: b}}, spec: {containers: [{name: b, image: b}]}}}}",
		rule("z", "z"))
	second := func() string {
		return c.kubectl("get", "virtualservices", "-n", "shop", "z", "-o", "jsonpath={.metadata.creationTimestamp}")
	}
	for c.kubectl("create", "configmap", "clock", "--dry-run=server", "-o", "jsonpath={.metadata.creationTimestamp}") <= second() { // times have no parts of seconds
	}
	c.apply(rule("a", "a"))
	contains(run(0, "explain", "GET", "http://b/", "--context", "admin", "--from", "shop/b"), "rules of context:admin\n", "from b in namespace shop\n", "yes  VirtualService shop/z z (http[0])")
	out := run(1, "lint", "--context", "admin")
	contains(out, "HL002 VirtualService shop/a: spec.hosts: is never used: VirtualService shop/z has its host first\n", "1 fault found\n")
	files := filepath.Join(c.dir, "rules.yaml")
	if err := os.WriteFile(files, []byte(c.kubectl("get", "ns,svc,deploy,virtualservices", "-A", "-o", "yaml")), 0o600); err != nil {
		t.Fatal(err)
	}
	run(0, "diff", files, "context:admin")
	c.apply(rule("z", "other"))
	contains(run(1, "diff", files, "context:admin"), `headers: request header x-by set to "z" -> request header x-by set to "other"`, "such as hopline explain -f context:admin --from shop/b GET http://b/")
}

// rule returns a VirtualService of host b whose rule sets a header.
func rule(name, value string) string {
	return "{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: " + name + ", namespace: shop}, spec: {hosts: [b], http: [{name: " + name +
		", route: [{destination: {host: b}}], headers: {request: {set: {x-by: " + value + "}}}}]}}"
}

// cluster is an API server with the contexts admin and stranger; stranger has no permissions.
type cluster struct {
	t           *testing.T
	dir, config string
}

// addContexts writes a kubeconfig with both contexts, from one of an administrator.
func (c *cluster) addContexts(from string) {
	c.t.Helper()
	config, err := clientcmd.LoadFromFile(from)
	if err != nil {
		c.t.Fatal(err)
	}
	admin := config.Contexts[config.CurrentContext]
	stranger, user := admin.DeepCopy(), config.AuthInfos[admin.AuthInfo].DeepCopy()
	user.Impersonate, stranger.AuthInfo = "stranger", "stranger"
	config.AuthInfos["stranger"], config.Contexts["stranger"], config.Contexts["admin"] = user, stranger, admin
	config.CurrentContext = "admin"
	c.config = filepath.Join(c.dir, "kubeconfig")
	if err := clientcmd.WriteToFile(*config, c.config); err != nil {
		c.t.Fatal(err)
	}
}

// kubectl runs kubectl as the administrator and returns its output.
func (c *cluster) kubectl(args ...string) string {
	c.t.Helper()
	out, err := exec.Command("kubectl", append([]string{"--kubeconfig=" + c.config}, args...)...).CombinedOutput()
	if err != nil {
		c.t.Fatalf("kubectl %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// apply applies objects.
func (c *cluster) apply(objects ...string) {
	c.t.Helper()
	file := filepath.Join(c.dir, "objects.yaml")
	text := "# YAML, although it begins with a brace\n" + strings.Join(objects, "\n---\n")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	c.kubectl("apply", "-f", file)
}
