package e2e

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const root = "../.."

var (
	ingress = flag.String("url", os.Getenv("URL"), "the ingress gateway, as it is reached from here")
	images  = flag.Bool("images", true, "build and push the images first")
)

// TestMain sets up what all tests need: Istio, the images and the dashboards.
func TestMain(m *testing.M) {
	flag.Parse()
	if *ingress == "" {
		fmt.Println("skipped: no cluster. make e2e URL=http://localhost:8080 uses the one that KUBECONFIG names")
		os.Exit(0)
	}
	if !setUp() {
		os.Exit(1)
	}
	code := m.Run()
	if !step("deploy/deploy.sh", "reset") {
		code = 1
	}
	os.Exit(code)
}

// setUp builds the images while Istio is being installed: the first needs the processor, the second mostly waits.
func setUp() bool {
	ok := [3]bool{true, true, true}
	var all sync.WaitGroup
	all.Go(func() { ok[0] = definitions() && step("deploy/cluster/up.sh", "mesh") })
	if *images {
		all.Go(func() { ok[1] = step("deploy/images.sh", "build") && step("deploy/images.sh", "push") })
	}
	all.Go(func() { ok[2] = step("go", "-C", "test/conformance", "test", "-c", "-o", conformanceBinary(), ".") })
	all.Wait()
	return !slices.Contains(ok[:], false)
}

// definitions lets up.sh read the CustomResourceDefinitions of the Gateway API from its module, of the version that test/deploy has: a
// cluster for tests may have no internet.
func definitions() bool {
	dir, err := command("go", "-C", "test/deploy", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api")
	if err != nil {
		fmt.Println("finding the Gateway API:", err, dir)
		return false
	}
	return os.Setenv("GATEWAY_API", filepath.Join(strings.TrimSpace(dir), "config/crd/standard")) == nil
}

// conformanceBinary returns where the conformance suite is built, once for all overlays; `make clean` removes it.
func conformanceBinary() string {
	path, err := filepath.Abs(filepath.Join(root, "out", "conformance.test"))
	if err != nil {
		panic(err) // there is no working directory
	}
	return path
}

// step runs a command and prints how long it took, or its output if it failed.
func step(args ...string) bool {
	start := time.Now()
	out, err := command(args...)
	if err != nil {
		fmt.Printf("%s: %v\n%s", strings.Join(args, " "), err, out)
		return false
	}
	fmt.Printf("%5.1f s  %s\n", time.Since(start).Seconds(), strings.Join(args, " "))
	return true
}

// command runs a command at the repository's root. Test modules are outside the workspace.
func command(args ...string) (string, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = root
	cmd.Env = append(cmd.Environ(), "GOWORK=off")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := command(args...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// rolledOut waits for a deployment.
func rolledOut(t *testing.T, namespace, deployment string) {
	t.Helper()
	run(t, "kubectl", "rollout", "status", "-n", namespace, "deployment/"+deployment, "--timeout=180s")
}

// deploy applies an overlay to the cluster and waits for its pods.
func deploy(t *testing.T, overlay string) {
	t.Helper()
	run(t, "deploy/deploy.sh", "deploy", overlay)
}

// kustomization makes a directory with a kustomization of the given parts of deploy/, and returns its path.
func kustomization(t *testing.T, resource, component string) string {
	t.Helper()
	dir := t.TempDir()
	deploy, err := filepath.Abs(filepath.Join(root, "deploy"))
	if err != nil {
		t.Fatal(err)
	}
	if deploy, err = filepath.Rel(dir, deploy); err != nil { // kustomize accepts no absolute ones
		t.Fatal(err)
	}
	text := fmt.Sprintf("resources: [%s]\ncomponents: [%s]\n", filepath.Join(deploy, resource), filepath.Join(deploy, component))
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// apply applies a manifest for the duration of a test.
func apply(t *testing.T, manifest string) {
	t.Helper()
	for _, verb := range []string{"apply", "delete"} {
		do := func() {
			cmd := exec.Command("kubectl", verb, "-f", "-", "--wait=false")
			cmd.Stdin = strings.NewReader(manifest)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("kubectl %s: %v\n%s", verb, err, out)
			}
		}
		if verb == "apply" {
			do()
		} else {
			t.Cleanup(do)
		}
	}
}

// forward opens a port of a pod on this machine: on the pod's loopback, not through its sidecar.
func forward(t *testing.T, namespace, target, port string) string {
	t.Helper()
	cmd := exec.Command("kubectl", "port-forward", "-n", namespace, target, ":"+port)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var problem bytes.Buffer
	cmd.Stderr = &problem
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	address := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(line)
	if err != nil || address == "" {
		t.Fatalf("port-forward to %s: %q, %v, %s", target, line, err, problem.String())
	}
	return "http://" + address
}

// ours lists the objects of the cluster that have Hopline's label, except for the history of deploys.
func ours(t *testing.T) []string {
	t.Helper()
	kinds := "deployments.apps,services,serviceaccounts,networkpolicies.networking.k8s.io,poddisruptionbudgets.policy," +
		"virtualservices.networking.istio.io,destinationrules.networking.istio.io,gateways.networking.istio.io,serviceentries.networking.istio.io," +
		"sidecars.networking.istio.io,httproutes.gateway.networking.k8s.io,gateways.gateway.networking.k8s.io,authorizationpolicies.security.istio.io,peerauthentications.security.istio.io"
	return lines(run(t, "kubectl", "get", kinds, "-A", "-l", "app.kubernetes.io/part-of=hopline",
		"-o", `go-template={{range .items}}{{if not .metadata.deletionTimestamp}}`+identity+`{{end}}{{end}}`))
}

// rendered lists the objects of an overlay.
func rendered(t *testing.T, overlay string) []string {
	t.Helper()
	return lines(run(t, "sh", "-c", "kubectl kustomize deploy/overlays/"+overlay+
		" | kubectl create --dry-run=client --validate=false -f - -o go-template='{{if ne .kind \"Namespace\"}}"+identity+"{{end}}'"))
}

// identity is a template for the identity of an object, one per line.
const identity = `{{.kind}} {{.metadata.namespace}}/{{.metadata.name}}{{"\n"}}`

func lines(text string) []string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	slices.Sort(all)
	return all
}
