package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// store is a running lab whose stand-ins replace the images of the book store in testdata/standin, from copies that the test may edit.
type store struct {
	*suite
	dir string
}

func startStore(t *testing.T) store {
	t.Helper()
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/standin")); err != nil {
		t.Fatal(err)
	}
	return store{startWith(t, bin, []string{"--stand-in", filepath.Join(dir, "store.yaml"), filepath.Join(dir, "rules.yaml")}), dir}
}

// TestStandIns runs manifests whose images do not exist.
func TestStandIns(t *testing.T) {
	t.Parallel()
	s := startStore(t)
	step := func(name string, test func(*testing.T, store)) {
		t.Run(name, func(t *testing.T) { test(t, store{s.in(t), s.dir}) })
	}
	step("the start names what is played, left out and assumed", startOfStandIns)
	step("the whole topology is called, by the rules", topologyOfStandIns)
	step("one trace has every call", traceOfStandIns)
	step("a host that no file has is played, by subset", hostOfNoFile)
	step("other commands read the same files", commandsOnStandIns)
	step("a saved Gateway moves the entry", savedGatewayOfStandIns)
	step("a saved file is live", savedFileOfStandIns)
}

func startOfStandIns(t *testing.T, s store) {
	for _, want := range []string{
		"played by stand-ins, whose own probe replaces those of the pod: default/details, default/page-v1, default/prices-beta, default/prices-stable, default/ratings, default/reviews-v1, default/reviews-v3\n",
		"left out, without effect on routing: 1 Secret, 1 ServiceAccount, ",
		"initContainers 1, ", "securityContext 1, ", "volumes 1)\n",
		"assumed: pods have sidecars in namespaces where no label states it: default\n",
		"assumed: these hosts exist, although no Service or ServiceEntry among the files has them: prices.default.svc.cluster.local\n",
		"Service default/ratings: spec.ports[1]: port 3306 is not carried: its protocol is MySQL",
	} {
		if !strings.Contains(s.screen.String(), want) {
			t.Errorf("the start does not say %q:\n%s", want, s.screen)
		}
	}
}

// playedBy holds the response of a stand-in.
type playedBy struct {
	Service, Version, Host, URI string
	Upstreams                   []struct {
		URL      string
		Status   int
		Response *playedBy
	}
}

// tree writes who responded, with those behind it: "page v1 (details latest, reviews v1)".
func (p *playedBy) tree() string {
	if p == nil {
		return "?"
	}
	text := p.Service + " " + p.Version
	var behind []string
	for _, u := range p.Upstreams {
		behind = append(behind, u.Response.tree())
	}
	if behind == nil {
		return text
	}
	return text + " (" + strings.Join(behind, ", ") + ")"
}

// ask requests the page and returns the workloads that responded.
func (s store) ask(header ...string) (who string, a answer) {
	s.t.Helper()
	a = s.get("Ingress", "/page", header...)
	var p playedBy
	if err := json.Unmarshal([]byte(a.body), &p); err != nil || a.status != http.StatusOK {
		s.t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return p.tree(), a
}

func topologyOfStandIns(t *testing.T, s store) {
	got, _ := s.ask()
	if want := "page v1 (details latest, reviews v1)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, _ := s.ask("end-user", "jason"); got != "page v1 (details latest, reviews v3 (ratings 2))" {
		t.Errorf("jason got %s", got)
	}
	if a := s.get("Ingress", "/other"); a.status != http.StatusNotFound {
		t.Errorf("a path that no rule has: %d", a.status)
	}
	if a := s.get("Ingress", "/static/health?a=b"); a.status != http.StatusOK || !strings.Contains(a.body, `"uri":"/static/health?a=b"`) {
		t.Errorf("any path: %d %s", a.status, a.body)
	}
}

func traceOfStandIns(t *testing.T, s store) {
	_, a := s.ask("end-user", "jason")
	id := a.header.Get("X-B3-Traceid")
	want := []string{"details", "istio-ingressgateway", "page", "ratings", "reviews"}
	var got []string
	s.waitFor("the trace", func() bool {
		var spans []struct{ LocalEndpoint struct{ ServiceName string } }
		if json.Unmarshal([]byte(s.get("Zipkin", "/api/v2/trace/"+id).body), &spans) != nil {
			return false
		}
		got = nil
		for _, span := range spans {
			if name, _, _ := strings.Cut(span.LocalEndpoint.ServiceName, "."); !slices.Contains(got, name) {
				got = append(got, name)
			}
		}
		slices.Sort(got)
		return slices.Equal(got, want)
	})
}

func hostOfNoFile(t *testing.T, s store) {
	for user, want := range map[string]string{"": "stable", "jason": "beta"} {
		code, out := s.hopline("curl", "--console-port", s.consolePort(), "--from", "page-v1", "-H", "end-user: "+user, "http://prices/")
		if code != 0 || !strings.Contains(out, fmt.Sprintf(`"service":"prices","version":%q`, want)) {
			t.Errorf("%q: code %d\n%s", user, code, out)
		}
	}
}

func commandsOnStandIns(t *testing.T, s store) {
	code, out := s.hopline("explain", "GET", "http://reviews:9080/", "--console-port", s.consolePort(), "--from", "page-v1", "-H", "end-user: jason")
	if code != 0 || !strings.Contains(out, "reviews-v3") {
		t.Errorf("explain: code %d\n%s", code, out)
	}
	s.drive("weight", "reviews:http[1]", "v1=0", "v3=100")
	if got, _ := s.ask(); got != "page v1 (details latest, reviews v3 (ratings 2))" {
		t.Errorf("after drive: %s", got)
	}
}

func savedFileOfStandIns(t *testing.T, s store) {
	edit(t, filepath.Join(s.dir, "store.yaml"), `"http://ratings:9080/ratings/0"`, `"http://details:9080/, http://ratings:9080/ratings/0"`)
	want := "page v1 (details latest, reviews v3 (details latest, ratings 2))"
	s.waitFor("the saved upstreams", func() bool { got, _ := s.ask("end-user", "jason"); return got == want })
	before := s.state().Revision
	edit(t, filepath.Join(s.dir, "store.yaml"), `"http://details:9080/, http://ratings:9080/ratings/0"`, `"ratings"`)
	s.waitFor("the problem", func() bool { return len(s.state().Problems) > 0 })
	problem := s.state().Problems[0]
	got := []any{problem.Object, problem.Path, problem.Reason, s.state().Revision}
	wanted := []any{"Deployment default/reviews-v3", `spec.template.metadata.annotations["hopline.io/upstreams"]`,
		`want URLs such as http://reviews:9080/reviews/0, separated by commas, got "ratings"`, before}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// savedGatewayOfStandIns: requests from outside enter at the gateway that the saved files select, in the lab and for other commands.
func savedGatewayOfStandIns(t *testing.T, s store) {
	edit(t, filepath.Join(s.dir, "rules.yaml"), "selector: {istio: ingressgateway}", "selector: {istio: own}")
	curl := []string{"curl", "--console-port", s.consolePort(), "http://localhost/static/a"}
	s.waitFor("the other gateway", func() bool { _, out := s.hopline(curl...); return strings.Contains(out, ", to istio=own, in ") })
	if code, out := s.hopline(curl...); code != 0 || !strings.Contains(out, "200 OK") {
		t.Errorf("curl: code %d\n%s", code, out)
	}
	if a := s.get("Ingress", "/static/a"); a.status != http.StatusOK {
		t.Errorf("through the ingress port: %d %s", a.status, a.body)
	}
	code, out := s.hopline("explain", "GET", "http://localhost/static/a", "--console-port", s.consolePort())
	if code != 0 || !strings.Contains(out, "from gateway istio=own") {
		t.Errorf("explain: code %d\n%s", code, out)
	}
	if code, out = s.hopline("curl", "--console-port", s.consolePort(), "--from", "istio-ingressgateway", "http://localhost/static/a"); code == 0 {
		t.Errorf("as the gateway of before: code %d\n%s", code, out)
	}
}
