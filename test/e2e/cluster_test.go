package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const root = "../.."

var (
	ingress = flag.String("url", os.Getenv("URL"), "the ingress gateway, as it is reached from here")
	images  = flag.Bool("images", true, "build and push the images first")
)

// TestMain makes what all tests stand on: Istio, the images and the dashboards.
func TestMain(m *testing.M) {
	flag.Parse()
	if *ingress == "" {
		fmt.Println("skipped: no cluster. make e2e URL=http://localhost:8080 takes the one that KUBECONFIG names")
		os.Exit(0)
	}
	steps := [][]string{
		{"istioctl", "install", "-y", "-f", "deploy/cluster/istio.yaml"},
		{"kubectl", "apply", "-k", "deploy/addons"},
		{"kubectl", "rollout", "status", "-n", "istio-system", "deployment/jaeger", "--timeout=180s"},
		{"kubectl", "rollout", "status", "-n", "istio-system", "deployment/prometheus", "--timeout=180s"},
	}
	if *images {
		steps = append([][]string{{"deploy/images.sh", "build"}, {"deploy/images.sh", "push"}}, steps...)
	}
	for _, s := range steps {
		if out, err := command(s...); err != nil {
			fmt.Printf("%s: %v\n%s", strings.Join(s, " "), err, out)
			os.Exit(1)
		}
	}
	code := m.Run()
	if out, err := command("deploy/deploy.sh", "reset"); err != nil {
		fmt.Printf("reset: %v\n%s", err, out)
		code = 1
	}
	os.Exit(code)
}

func command(args ...string) (string, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = root
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

// deploy puts an overlay on the cluster and waits for its pods.
func deploy(t *testing.T, overlay string) {
	t.Helper()
	run(t, "deploy/deploy.sh", "deploy", overlay)
}

// apply applies a manifest for the length of a test.
func apply(t *testing.T, manifest string) {
	t.Helper()
	for _, verb := range []string{"apply", "delete"} {
		do := func() {
			cmd := exec.Command("kubectl", verb, "-f", "-")
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

// forward opens a port of a pod on this machine: the pod's loopback, past its sidecar.
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

type answer struct {
	code   int
	body   string
	header http.Header
}

// ask asks once. Headers are NAME, VALUE, …; Host is one of them.
func ask(method, url, body string, headers ...string) (answer, error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := (&http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, string(raw), resp.Header}, err
}

func get(t *testing.T, path string, headers ...string) answer {
	t.Helper()
	a, err := ask("GET", *ingress+path, "", headers...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// eventually asks every quarter of a second until there is no error.
func eventually(t *testing.T, within time.Duration, what func() error) {
	t.Helper()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(within)
	for {
		err := what()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("after %s: %v", within, err)
		case <-tick.C:
		}
	}
}

// ours lists what in the cluster carries Hopline's label, but for the history of deploys, as KIND NAMESPACE/NAME.
func ours(t *testing.T) []string {
	t.Helper()
	kinds := "deployments.apps,services,serviceaccounts,networkpolicies.networking.k8s.io,poddisruptionbudgets.policy," +
		"virtualservices.networking.istio.io,destinationrules.networking.istio.io,gateways.networking.istio.io,serviceentries.networking.istio.io," +
		"sidecars.networking.istio.io,authorizationpolicies.security.istio.io,peerauthentications.security.istio.io"
	return list(t, run(t, "kubectl", "get", kinds, "-A", "-l", "app.kubernetes.io/part-of=hopline", "-o", "json"))
}

func list(t *testing.T, raw string) []string {
	t.Helper()
	var all struct {
		Items []struct {
			Kind     string
			Metadata struct {
				Name, Namespace   string
				DeletionTimestamp *time.Time
			}
		}
	}
	if err := json.Unmarshal([]byte(raw), &all); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, o := range all.Items {
		if o.Metadata.DeletionTimestamp == nil && o.Kind != "Namespace" {
			names = append(names, o.Kind+" "+o.Metadata.Namespace+"/"+o.Metadata.Name)
		}
	}
	slices.Sort(names)
	return names
}
