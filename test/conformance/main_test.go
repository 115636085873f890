package conformance

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

var (
	base    = flag.String("url", os.Getenv("URL"), "the way in: the ingress, http://localhost:8080, or front's NodePort in the overlay plain")
	overlay = flag.String("overlay", or(os.Getenv("OVERLAY"), "canary"), "the overlay that was deployed")
	traces  = flag.String("traces", os.Getenv("TRACES"), "a Zipkin read API, http://localhost:9411")
	admin   = flag.String("admin", os.Getenv("ADMIN"), "admin ports, http://127.0.0.1:20001, separated by spaces")
	logs    = flag.String("logs", os.Getenv("LOGS"), "a file with what all pods print")
	samples = flag.Int("samples", 2000, "requests per statistical case")
)

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func TestMain(m *testing.M) {
	flag.Parse()
	if *base == "" {
		fmt.Println("conformance: URL: want the way in, such as http://localhost:8080, got nothing; without a URL, make conformance starts labs of its own")
		os.Exit(2)
	}
	if _, ok := rules[*overlay]; !ok {
		fmt.Printf("conformance: OVERLAY=%s: want one of %s\n", *overlay, strings.Join(slices.Sorted(maps.Keys(rules)), " "))
		os.Exit(2)
	}
	*base = strings.TrimSuffix(*base, "/")
	*traces = strings.TrimSuffix(*traces, "/")
	engine, err := atHand()
	if err != nil {
		fmt.Println("conformance:", err)
		os.Exit(1)
	}
	code := m.Run()
	fmt.Printf("conformance: overlay %s, %s at %s\n", *overlay, engine, *base)
	unchecked.print()
	if there := elsewhere[engine]; there != "" {
		fmt.Printf("  not checked: %s\n", there)
	}
	os.Exit(code)
}

// elsewhere holds what an engine lacks or does not show to a client outside, and what checks it.
var elsewhere = map[string]string{
	lab:   "mutual TLS, NetworkPolicies, Pod Security, dashboards (only the cluster has them: make e2e)",
	istio: "console, /sd, the mesh's metrics on one page, saved rules going live (only the lab has them: go test ./lab/...)",
}

// engines are those that can run Hopline, by the server header of their responses. Without a mesh there is no such header.
var engines = map[string]string{"hopline": lab, "istio-envoy": istio, "envoy": istio, "": bare}

const (
	lab   = "the lab"
	istio = "Istio"
	bare  = "no mesh"
)

// atHand returns the engine under test.
var atHand = sync.OnceValues(func() (string, error) { return engineAt(*base) })

// engineAt returns the engine behind a URL.
func engineAt(url string) (string, error) {
	response, err := client.Head(url + "/")
	if err != nil {
		return "", err
	}
	response.Body.Close()
	engine, known := engines[response.Header.Get("Server")]
	switch {
	case !known:
		return "", fmt.Errorf("%s says server: %s, which is neither the lab nor Istio", url, response.Header.Get("Server"))
	case (engine == bare) != (*overlay == "plain"):
		return "", fmt.Errorf("%s is %s, which does not fit OVERLAY=%s", url, engine, *overlay)
	}
	return engine, nil
}

// only skips what only one engine supports, unless that is the engine under test.
func only(t *testing.T, engine, why string) {
	t.Helper()
	if at, err := atHand(); err != nil {
		t.Fatal(err)
	} else if at != engine {
		skip(t, "only %s can: %s", engine, why)
	}
}

// meshed skips what needs an ingress, rules and sidecars, in the overlay without them.
func meshed(t *testing.T) {
	t.Helper()
	if *overlay == "plain" {
		skip(t, "plain has no mesh, and no way in but front's")
	}
}

// overlaid skips what only other overlays contain.
func overlaid(t *testing.T, overlays ...string) {
	t.Helper()
	if !slices.Contains(overlays, *overlay) {
		skip(t, "subjects of other overlays")
	}
}

// skip skips a test, and adds it to the list at the end.
func skip(t *testing.T, why string, args ...any) {
	t.Helper()
	why = fmt.Sprintf(why, args...)
	unchecked.add(t.Name(), why)
	t.Skip(why)
}

// notes holds what was not checked: the names of tests, by the reason.
type notes struct {
	mu    sync.Mutex
	tests map[string][]string
}

var unchecked = notes{tests: map[string][]string{}}

func (n *notes) add(test, why string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tests[why] = append(n.tests[why], strings.TrimPrefix(test, "Test"))
}

func (n *notes) print() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, why := range slices.Sorted(maps.Keys(n.tests)) {
		slices.Sort(n.tests[why])
		fmt.Printf("  not checked: %s (%s)\n", strings.Join(n.tests[why], ", "), why)
	}
}
