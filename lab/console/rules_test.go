package console

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/hopline/hopline/lab/traffic"
)

// find returns one rule of a list.
func find(t *testing.T, rules []Rule, object, name string) Rule {
	t.Helper()
	i := slices.IndexFunc(rules, func(r Rule) bool { return r.Object == object && r.Name == name })
	if i < 0 {
		t.Fatalf("no rule %s of %s", name, object)
	}
	return rules[i]
}

func TestConfiguredOfCanary(t *testing.T) {
	t.Parallel()
	rules := configured(load(t, "canary"))
	for _, test := range []struct {
		object, name string
		matches      []string
		gateway      bool
		parts        []Part
	}{
		{"VirtualService hopline/middle", "everybody", []string{}, false, []Part{{Service: "middle", Version: "prod", Configured: 0.8}, {Service: "middle", Version: "canary", Configured: 0.2}}},
		{"VirtualService hopline/middle", "beta", []string{"x-dev-user is betaUser"}, false, []Part{{Service: "middle", Version: "dev", Configured: 1}}},
		{"VirtualService hopline/core", "testers", []string{"x-dev-user is betaUser", "x-dev-user is stressTest"}, false, []Part{{Service: "core", Version: "test", Configured: 1}}},
		{"VirtualService hopline/front", "page", []string{"path begins with /demo-app/"}, true, []Part{
			{Service: "front", Version: "amber", Configured: 1.0 / 3, Even: true}, {Service: "front", Version: "blue", Configured: 1.0 / 3, Even: true}, {Service: "front", Version: "green", Configured: 1.0 / 3, Even: true},
		}},
		{"VirtualService hopline/front", "slash", []string{"path is /demo-app"}, true, []Part{}},
	} {
		rule := find(t, rules, test.object, test.name)
		sorted := cmpopts.SortSlices(func(a, b Part) bool { return a.Version < b.Version })
		if diff := cmp.Diff(test.parts, rule.Parts, sorted, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
			t.Errorf("%s %s configures something else (-want +got):\n%s", test.object, test.name, diff)
		}
		if diff := cmp.Diff(test.matches, rule.Matches); diff != "" {
			t.Errorf("%s %s: other matches (-want +got):\n%s", test.object, test.name, diff)
		}
		if rule.Gateway != test.gateway {
			t.Errorf("%s %s: gateway is %t, want %t", test.object, test.name, rule.Gateway, test.gateway)
		}
	}
}

// TestConfiguredOfRoutes: the default condition of an HTTPRoute on the path is not shown.
func TestConfiguredOfRoutes(t *testing.T) {
	t.Parallel()
	rules := configured(load(t, "gateway-api"))
	for name, want := range map[string][]string{"everybody": {}, "beta": {"x-dev-user is betaUser"}} {
		if diff := cmp.Diff(want, find(t, rules, "HTTPRoute hopline/middle", name).Matches); diff != "" {
			t.Errorf("%s: other matches (-want +got):\n%s", name, diff)
		}
	}
}

// TestConfiguredAddsUp checks that the shares of every routing rule of every shipped overlay add up to 1, and name existing workloads.
func TestConfiguredAddsUp(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"split", "egress", "outlier", "fault", "timeout", "mirror", "circuit", "denied"} {
		for _, rule := range configured(load(t, name)) {
			sum := 0.0
			for _, part := range rule.Parts {
				sum += part.Configured
				if part.Version == "nobody" || part.Service == "" {
					t.Errorf("%s: %s %s has a part without a workload: %+v", name, rule.Object, rule.Name, part)
				}
			}
			if len(rule.Parts) > 0 && math.Abs(sum-1) > 1e-9 {
				t.Errorf("%s: %s %s configures %v of its requests, want 1", name, rule.Object, rule.Name, sum)
			}
			if len(rule.Parts) == 0 && len(rule.Does) == 0 {
				t.Errorf("%s: %s %s does nothing", name, rule.Object, rule.Name)
			}
		}
	}
	if rules := configured(nil); len(rules) != 0 {
		t.Errorf("without an overlay there are rules: %v", rules)
	}
}

// objects of two namespaces: each has a DestinationRule of its own for middle, and that of "other" is not exported.
const twoNamespaces = `
apiVersion: v1
kind: Namespace
metadata: {name: hopline, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Namespace
metadata: {name: other, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Service
metadata: {name: middle, namespace: hopline}
spec: {selector: {app: middle}, ports: [{name: http, port: 80, targetPort: http}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: middle-prod, namespace: hopline}
spec:
  selector: {matchLabels: {app: middle, version: prod}}
  template:
    metadata: {labels: {app: middle, version: prod}}
    spec: {containers: [{name: app, image: middle, ports: [{name: http, containerPort: 8080}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: middle-canary, namespace: hopline}
spec:
  selector: {matchLabels: {app: middle, version: canary}}
  template:
    metadata: {labels: {app: middle, version: canary}}
    spec: {containers: [{name: app, image: middle, ports: [{name: http, containerPort: 8080}]}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: a, namespace: other}
spec: {host: middle.hopline.svc.cluster.local, exportTo: ["."], subsets: [{name: prod, labels: {version: canary}}, {name: canary, labels: {version: canary}}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: b, namespace: hopline}
spec: {host: middle, subsets: [{name: prod, labels: {version: prod}}, {name: canary, labels: {version: canary}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: middle, namespace: hopline}
spec:
  hosts: [middle]
  http:
    - name: everybody
      route:
        - {destination: {host: middle, subset: prod}, weight: 80}
        - {destination: {host: middle, subset: canary}, weight: 20}
`

const callerInOther = `
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: caller, namespace: other}
spec:
  selector: {matchLabels: {app: caller}}
  template:
    metadata: {labels: {app: caller}}
    spec: {containers: [{name: app, image: middle}]}
`

// A DestinationRule that only its own namespace sees changes nothing for the others.
func TestAskedOfTheCallersDestinationRule(t *testing.T) {
	t.Parallel()
	parts := []Part{{Service: "middle", Version: "prod", Configured: 0.8}, {Service: "middle", Version: "canary", Configured: 0.2}}
	rules := configured(fromText(t, twoNamespaces))
	if len(rules) != 1 || rules[0].Callers != "" {
		t.Errorf("got %+v, want one rule for all callers", rules)
	}
	if diff := cmp.Diff(parts, rules[0].Parts, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	rules = configured(fromText(t, twoNamespaces+callerInOther))
	if len(rules) != 2 || rules[0].Callers != "namespace hopline" || rules[1].Callers != "namespace other" {
		t.Fatalf("got %+v, want a rule for each namespace", rules)
	}
	if diff := cmp.Diff(parts, rules[0].Parts, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("parts of hopline (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Part{{Service: "middle", Version: "canary", Configured: 1}}, rules[1].Parts, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("parts of other (-want +got):\n%s", diff)
	}
	counted := withRequests(rules, []traffic.Flow{{Object: "VirtualService hopline/middle", Rule: "everybody", Callers: "namespace other", Workload: "middle-canary", App: "middle", Version: "canary", Code: 200, Requests: 3}})
	if counted[0].Requests != 0 || counted[1].Requests != 3 || counted[1].Parts[0].Requests != 3 {
		t.Errorf("got %+v, want three requests by the rule of namespace other", counted)
	}
}

// The part of a route to an outside host names the workload that represents the host, whose labels identify the traffic.
func TestAskedOfEgress(t *testing.T) {
	t.Parallel()
	rules := configured(load(t, "egress"))
	gateway := find(t, rules, "VirtualService hopline/worldtimeapi-from-the-gateway", "http[0]")
	if diff := cmp.Diff([]Part{{Service: "worldtimeapi", Version: "outside", Configured: 1}}, gateway.Parts); diff != "" {
		t.Errorf("from the gateway (-want +got):\n%s", diff)
	}
	pod := find(t, rules, "VirtualService hopline/worldtimeapi", "http[0]")
	if diff := cmp.Diff([]Part{{Service: "istio-egressgateway", Configured: 1}}, pod.Parts); diff != "" {
		t.Errorf("from a pod (-want +got):\n%s", diff)
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	rules := configured(load(t, "canary"))
	counted := withRequests(rules, []traffic.Flow{
		{Object: "VirtualService hopline/middle", Rule: "everybody", Namespace: "hopline", Workload: "middle-prod", App: "middle", Version: "prod", Code: 200, Requests: 7},
		{Object: "VirtualService hopline/middle", Rule: "everybody", Namespace: "hopline", Workload: "middle-prod", App: "middle", Version: "prod", Code: 500, Requests: 2},
		{Object: "VirtualService hopline/middle", Rule: "everybody", App: "middle", Code: 503, Requests: 1}, // by the proxy itself
		{Object: "VirtualService hopline/middle", Rule: "beta", Namespace: "hopline", Workload: "middle-dev", App: "middle", Version: "dev", Code: 404, Requests: 5},
		{Object: "VirtualService hopline/middle", Rule: "gone", Namespace: "hopline", Workload: "middle-dev", App: "middle", Version: "dev", Code: 200, Requests: 5},
		{Object: "Service hopline/clock", Rule: "default", Namespace: "hopline", Workload: "clock", App: "clock", Version: "prod", Code: 200, Requests: 4},
		{App: "nowhere", Code: 404, Requests: 9},
	})
	everybody := find(t, counted, "VirtualService hopline/middle", "everybody")
	if everybody.Requests != 10 || everybody.Errors != 3 {
		t.Errorf("everybody: %d counted and %d failed, want 10 and 3", everybody.Requests, everybody.Errors)
	}
	want := []Part{{Service: "middle", Version: "prod", Configured: 0.8, Requests: 9}, {Service: "middle", Version: "canary", Configured: 0.2}}
	if diff := cmp.Diff(want, everybody.Parts); diff != "" {
		t.Errorf("everybody's parts (-want +got):\n%s", diff)
	}
	if beta := find(t, counted, "VirtualService hopline/middle", "beta"); beta.Requests != 5 || beta.Errors != 0 {
		t.Errorf("beta: %d counted and %d failed, want 5 and 0", beta.Requests, beta.Errors)
	}
	if clock := find(t, counted, "Service hopline/clock", "default"); clock.Requests != 4 || len(clock.Parts) != 1 {
		t.Errorf("the clock's default route: %+v", clock)
	}
	if slices.ContainsFunc(counted, func(r Rule) bool { return r.Name == "gone" }) {
		t.Error("a rule that no longer runs is shown")
	}
	if again := find(t, rules, "VirtualService hopline/middle", "everybody"); again.Parts[0].Requests != 0 {
		t.Error("counting changed the configured rules")
	}
}

func TestRuleWithoutName(t *testing.T) {
	t.Parallel()
	o := fromText(t, strings.TrimSpace(`
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: far, namespace: default}
spec: {hosts: [far.example], location: MESH_EXTERNAL, resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: far, namespace: default}
spec:
  hosts: [far.example]
  http:
    - match: [{uri: {regex: "/a.*"}, method: {exact: GET}}, {queryParams: {q: {prefix: x}}}]
      route: [{destination: {host: far.example, port: {number: 80}}}]
      timeout: 2s
      retries: {attempts: 3, retryOn: 5xx}
      fault: {delay: {percentage: {value: 10}, fixedDelay: 1s}, abort: {percentage: {value: 5}, httpStatus: 418}}
    - route: [{destination: {host: far.example, port: {number: 80}}}]
`))
	rules := configured(o)
	first := find(t, rules, "VirtualService default/far", "http[0]")
	if diff := cmp.Diff([]string{"method is GET, path matches /a.*", "?q begins with x"}, first.Matches); diff != "" {
		t.Errorf("matches (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"timeout 2s", "3 retries on 5xx", "delays 10 % by 1s", "aborts 5 % with 418"}, first.Does); diff != "" {
		t.Errorf("what it does (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Part{{Service: "far.example", Configured: 1}}, first.Parts); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	counted := withRequests(rules, []traffic.Flow{{Object: "VirtualService default/far", Rule: "http[0].match[1]", Code: 200, Requests: 2}, {Object: "VirtualService default/far", Rule: "http[1]", Code: 200, Requests: 3}})
	if counted[0].Requests != 2 || counted[1].Requests != 3 {
		t.Errorf("counted %d and %d, want 2 and 3", counted[0].Requests, counted[1].Requests)
	}
}

// TestAtWhichGateway: in the overlay egress two hosts have a rule for the egress gateway, which is not reachable from outside.
func TestAtWhichGateway(t *testing.T) {
	t.Parallel()
	for _, rule := range configured(load(t, "egress")) {
		want := []string{}
		switch {
		case strings.HasSuffix(rule.Object, "-from-the-gateway"):
			want = []string{"istio-egressgateway"}
		case strings.HasSuffix(rule.Object, "-ingress"), strings.HasSuffix(rule.Object, "/front"):
			want = []string{"istio-ingressgateway"}
		}
		if diff := cmp.Diff(want, rule.At); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", rule.Object, rule.Name, diff)
		}
	}
}

// TestEntryGateway: the state names the gateway at which requests from outside arrive, also another one that the files select.
func TestEntryGateway(t *testing.T) {
	t.Parallel()
	if got := (Edition{}).entry(); got != "" {
		t.Errorf("before the first edition the entry is %q", got)
	}
	for selector, want := range map[string]string{"istio: ingressgateway": "istio-ingressgateway", "istio: ingress": "istio-ingress"} {
		source := &lab{edition: Edition{Table: tableOf(t, written(t, `
apiVersion: v1
kind: Namespace
metadata: {name: hopline}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: entry, namespace: hopline}
spec: {selector: {`+selector+`}, servers: [{port: {name: http, number: 80, protocol: HTTP}, hosts: ["*"]}]}
`))}}
		var s State
		if err := json.Unmarshal(New(source, nil, Driving{}).observe(time.Now()), &s); err != nil {
			t.Fatal(err)
		}
		if s.Entry != want {
			t.Errorf("with the selector %s the entry is %q, want %q", selector, s.Entry, want)
		}
	}
}

// TestFailures counts the requests that failed by their reason.
func TestFailures(t *testing.T) {
	t.Parallel()
	flow := func(code int, flags string, requests uint64) traffic.Flow {
		return traffic.Flow{Object: "VirtualService hopline/middle", Rule: "everybody", App: "middle", Code: code, Flags: flags, Requests: requests}
	}
	rules := withRequests(configured(load(t, "canary")), []traffic.Flow{
		flow(200, "-", 100), flow(404, "-", 3), flow(503, "UH", 4), flow(503, "UF,URX", 7), flow(504, "UT", 1), flow(500, "-", 2), flow(500, "-", 3), flow(503, "FI", 6), flow(0, "DC", 2),
	})
	want := []Failure{
		{"503 no connection to the upstream", 7}, {"503 injected by a rule", 6}, {"500 from the upstream", 5}, {"503 no healthy upstream", 4},
		{"the caller disconnected, no response", 2}, {"504 timeout", 1},
	}
	rule := find(t, rules, "VirtualService hopline/middle", "everybody")
	if diff := cmp.Diff(want, rule.Failures); diff != "" || rule.Errors != 25 {
		t.Errorf("%d errors, want 25 (-want +got):\n%s", rule.Errors, diff)
	}
}
