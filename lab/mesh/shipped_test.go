package mesh

import (
	"cmp"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/internal/shipped"
	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
)

// shippedTable returns a shipped overlay and its table. Requests reach each of its rules.
func shippedTable(t testing.TB, name string) (*overlay.Overlay, *Table) {
	t.Helper()
	o, err := overlay.Load(shipped.Overlay(t, name))
	if err != nil {
		t.Fatal(err)
	}
	table, err := Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range table.Unreached() {
		t.Errorf("%s: %s", name, u)
	}
	return o, table
}

// shares returns the destinations of a request as text: "prod 80, canary 20".
func shares(table *Table, src *Source, authority, path, user string) string {
	req := &Request{Method: "GET", Authority: authority, Path: path, Scheme: "http", Port: 80, Header: http.Header{}}
	if strings.HasSuffix(authority, ":9090") {
		req.Port = 9090
	}
	if user != "" {
		req.Header.Set("x-dev-user", user)
	}
	e := table.Explain(req, src)
	var parts []string
	for _, s := range e.Shares {
		name := cmp.Or(s.Cluster.Subset, s.Cluster.Selector["version"], s.Cluster.Selector["app"]) // a version is a subset, or has a Service
		parts = append(parts, fmt.Sprintf("%s %g", name, s.Percent))
	}
	if parts == nil {
		return fmt.Sprintf("outcome %d", e.Outcome)
	}
	return strings.Join(parts, ", ")
}

// TestShippedOverlays checks what every overlay promises: where requests are routed by x-dev-user, and what stays the same.
func TestShippedOverlays(t *testing.T) {
	t.Parallel()
	const both = "prod 80, canary 20"
	type row struct{ middle, core [3]string } // without a user, betaUser, stressTest
	canary := row{[3]string{both, "dev 100", both}, [3]string{"prod 100", "test 100", "test 100"}}
	for name, want := range map[string]row{
		"canary":  canary,
		"retry":   canary,
		"split":   canary,
		"outlier": canary,
		"egress":  canary,
		"fault":   canary,
		"timeout": canary,
		"mirror":  canary,
		"circuit": canary,
		"denied":  canary,

		"gateway-api": canary,
		"prod":        {[3]string{"prod 100", "prod 100", "prod 100"}, [3]string{"prod 100", "prod 100", "prod 100"}},
		"dev":         {[3]string{"dev 100", "dev 100", "dev 100"}, [3]string{"prod 100", "prod 100", "prod 100"}},
		"beta":        {[3]string{both, "canary 100", both}, [3]string{"prod 100", "prod 100", "prod 100"}},
		"stress":      {[3]string{both, both, both}, [3]string{"prod 100", "prod 100", "test 100"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, table := shippedTable(t, name)
			front, middle, ingress := workload(t, o, "front"), workload(t, o, "middle"), IngressGateway()
			for i, user := range []string{"", "betaUser", "stressTest"} {
				if got := shares(table, front, "middle", "/hops", user); got != want.middle[i] {
					t.Errorf("user %q: middle is %s, want %s", user, got, want.middle[i])
				}
				if got := shares(table, middle, "core", "/hops", user); got != want.core[i] {
					t.Errorf("user %q: core is %s, want %s", user, got, want.core[i])
				}
			}
			minimal := map[bool]string{true: "v1 50, v2 50", false: "v1 100"}[name == "split"]
			for _, c := range []struct {
				src                   *Source
				authority, path, want string
			}{
				{&ingress, "localhost:8080", "/demo-app/hops", "front 100"},
				{&ingress, "localhost:8080", "/demo-app", "outcome 3"},
				{&ingress, "localhost:8080", "/", "outcome 1"},
				{&ingress, "minimal.svc.kind.org:8080", "/", minimal},
				{&ingress, "bounced.svc.kind.org", "/", "bounced 100"},
				{middle, "minimal:9090", "/", minimal},
				{middle, "clock", "/time", "clock 100"},
				{middle, "unknown.test", "/", "outcome 0"},
			} {
				if got := shares(table, c.src, c.authority, c.path, ""); got != c.want {
					t.Errorf("%s%s: got %s, want %s", c.authority, c.path, got, c.want)
				}
			}
			switch name { // rendering is slow, so all checks of one overlay are together
			case "canary":
				shippedPolicies(t, o, table)
			case "retry":
				shippedRetries(t, o, table)
			case "egress":
				shippedEgress(t, o, table)
			default:
				shippedEffects(t, name, o, table)
			}
		})
	}
}

func shippedRetries(t *testing.T, o *overlay.Overlay, table *Table) {
	t.Helper()
	ingress := IngressGateway()
	for _, c := range []struct {
		src       *Source
		authority string
		port      int
		attempts  int
		on        istio.RetryOn
	}{
		{workload(t, o, "minimal"), "bounced:9090", 9090, 20, istio.RetryOn5xx},
		{&ingress, "bounced.svc.kind.org", 80, 10, istio.RetryOn5xx},
		{workload(t, o, "front"), "middle", 80, 4, 0},
		{workload(t, o, "middle"), "core", 80, 4, 0},
		{&ingress, "localhost", 80, 4, 0},
	} {
		d := table.Decide(&Request{Method: "GET", Authority: c.authority, Path: "/demo-app/", Port: c.port, Header: http.Header{}}, c.src, 1)
		if d.Route == nil || d.Route.Retries.Attempts != c.attempts || c.on != 0 && d.Route.Retries.On != c.on || c.on == 0 && d.Route.Retries.PerTry != 0 {
			t.Errorf("%s: got %+v, want %d attempts", c.authority, d.Route, c.attempts)
		}
	}
}

// shippedEgress checks that outbound requests go through the egress gateway, and nowhere else.
func shippedEgress(t *testing.T, o *overlay.Overlay, table *Table) {
	t.Helper()
	core, egress := workload(t, o, "core"), EgressGateway()
	req := &Request{Method: "GET", Authority: "worldtimeapi.org", Path: "/api/timezone/Asia/Jakarta", Scheme: "http", Port: 80, Header: http.Header{}}
	out := table.Decide(req, core, 1)
	if out.Outcome != Forward || out.To.Cluster.Gateway != egress.Workload {
		t.Fatalf("from core: got %+v, want the egress gateway", out)
	}
	second := *req
	second.Port = out.To.Cluster.GatewayPort
	on := table.Decide(&second, &egress, 1)
	if on.Outcome != Forward || on.To.Cluster.Selector["app"] != "worldtimeapi" || on.To.Cluster.Namespace != "hopline-outside" {
		t.Fatalf("from the egress gateway: got %+v, want the stand-in", on)
	}
	past := &Request{Method: "GET", Authority: "worldtimeapi.hopline-outside", Path: "/", Scheme: "http", Port: 80, Header: http.Header{}}
	if d := table.Decide(past, core, 1); d.Outcome != NoHost {
		t.Errorf("past the gateway: got %+v, want no host", d)
	}
	if got := table.GatewayPorts(&egress); len(got) != 1 || got[0] != 443 {
		t.Errorf("ports of the egress gateway: got %v, want 443", got)
	}
}

// shippedEffects checks what the rules of an overlay do to requests besides routing. Overlays without an entry do nothing.
func shippedEffects(t *testing.T, name string, o *overlay.Overlay, table *Table) {
	t.Helper()
	decide := func(app, authority, user string) Decision {
		h := http.Header{}
		if user != "" {
			h.Set("x-dev-user", user)
		}
		return table.Decide(&Request{Method: "GET", Authority: authority, Path: "/slow-endpoint", Scheme: "http", Port: 80, Header: h}, workload(t, o, app), 1)
	}
	everybody, tester, toCore := decide("front", "middle", ""), decide("front", "middle", "betaUser"), decide("middle", "core", "")
	ingress := IngressGateway()
	toMinimal := table.Decide(&Request{Method: "GET", Authority: "minimal.svc.kind.org", Path: "/", Scheme: "http", Port: 80, Header: http.Header{}}, &ingress, 1)
	caller := *workload(t, o, "middle")
	caller.Principal = "cluster.local/ns/hopline/sa/middle"
	allowed, _ := table.Authorize(&caller, workload(t, o, "core"), &Request{Method: "GET", Authority: "core", Path: "/slow-endpoint", Port: 8080})
	type effect struct {
		Fault, OfTheTester *Fault
		Timeout            time.Duration
		Mirrors            int
		Connections, Waits int
		Allowed            bool
	}
	want := map[string]effect{
		"fault":   {OfTheTester: &Fault{Delay: 500 * time.Millisecond, DelayPercent: 100, Abort: 503, AbortPercent: 50}, Allowed: true},
		"timeout": {Timeout: time.Second, Allowed: true},
		"mirror":  {Mirrors: 1, Allowed: true},
		"circuit": {Connections: 1, Waits: 1, Allowed: true},
		"denied":  {},
	}
	if _, named := want[name]; !named {
		want[name] = effect{Allowed: true}
	}
	got := effect{everybody.Route.Fault, tester.Route.Fault, toCore.Route.Timeout, len(everybody.Route.Mirrors),
		toMinimal.To.Cluster.Pool.MaxConnections, toMinimal.To.Cluster.Pool.MaxPending, allowed}
	if diff := gocmp.Diff(want[name], got); diff != "" {
		t.Errorf("effects (-want +got):\n%s", diff)
	}
}

func shippedPolicies(t *testing.T, o *overlay.Overlay, table *Table) {
	t.Helper()
	ingress := IngressGateway()
	as := func(app string) *Source {
		w := *workload(t, o, app)
		w.Principal = "cluster.local/ns/hopline/sa/" + app
		return &w
	}
	for _, c := range []struct {
		from *Source
		to   string
		port int
		path string
		want bool
	}{
		{&ingress, "front", 8080, "/", true}, {&ingress, "middle", 8080, "/", false}, {as("front"), "middle", 8080, "/hops", true},
		{as("middle"), "core", 8080, "/", true}, {as("front"), "core", 8080, "/", false}, {as("core"), "clock", 8080, "/time", true},
		{nil, "core", 8081, "/metrics", true}, {nil, "core", 8081, "/faults", false}, {nil, "core", 8080, "/metrics", false},
	} {
		if got, by := table.Authorize(c.from, as(c.to), &Request{Method: "GET", Authority: c.to, Path: c.path, Port: c.port}); got != c.want {
			t.Errorf("%+v to %s:%d%s: got %v by %s", c.from, c.to, c.port, c.path, got, by)
		}
	}
}

func TestShippedPlain(t *testing.T) {
	t.Parallel()
	o, table := shippedTable(t, "plain")
	if !table.NoMesh() {
		t.Fatal("the overlay plain has rules")
	}
	d := table.Decide(&Request{Method: "GET", Authority: "middle", Path: "/", Port: 80, Header: http.Header{}}, workload(t, o, "front"), 1)
	if d.Outcome != Forward || d.Route.Retries.Attempts != 0 || d.Route.Decorator != "" || d.To.Cluster.Balancer != Random {
		t.Errorf("got %+v, want only the Service", d)
	}
}

// Every shipped overlay is in a test above.
func TestNoOverlayIsForgotten(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"canary": true, "retry": true, "split": true, "outlier": true, "egress": true, "prod": true, "dev": true, "beta": true, "stress": true, "plain": true,
		"fault": true, "timeout": true, "mirror": true, "circuit": true, "denied": true, "gateway-api": true}
	for _, dir := range shipped.Overlays(t) {
		if name := filepath.Base(dir); !known[name] {
			t.Errorf("deploy/overlays/%s is not tested here", name)
		}
	}
}
