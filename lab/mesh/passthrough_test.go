package mesh

import (
	"strings"
	"testing"
)

// With outboundTrafficPolicy ALLOW_ANY a sidecar passes requests to hosts that it does not know on, on any port: to a Service that it does not
// see without any rule and identity, else to the host that the request names.
func TestOutboundTrafficPolicy(t *testing.T) {
	t.Parallel()
	sidecar := func(spec string) string {
		return "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: s, namespace: one}\nspec: {" + spec + "}"
	}
	const policies = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: known, namespace: two}
spec: {selector: {matchLabels: {app: c}}, rules: [{from: [{source: {namespaces: [one]}}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: c, namespace: two}
spec: {hosts: [c], http: [{directResponse: {status: 204}}]}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: one}
spec: {selector: {app: b}, ports: [{name: http, port: 80, targetPort: 8080}]}
`
	const narrow = "egress: [{hosts: [\"./b.one.svc.cluster.local\"]}]"
	type result struct {
		outcome Outcome
		cluster string // and its host
		denied  bool
	}
	to := func(host string, denied bool) result { return result{Forward, "PassthroughCluster " + host, denied} }
	known := result{Forward, "outbound|80||b.one.svc.cluster.local b.one.svc.cluster.local", false}
	for name, c := range map[string]struct {
		sidecar string
		want    map[string]result // by authority
		states  bool
	}{
		"no Sidecar":    {"", map[string]result{"b": known, "nowhere.test": {}, "nowhere.test:12345": {}}, false},
		"none stated":   {sidecar(narrow), map[string]result{"b": known, "nowhere.test": {}, "db": {}, "c.two:9090": {}}, false},
		"REGISTRY_ONLY": {sidecar(narrow + ", outboundTrafficPolicy: {mode: REGISTRY_ONLY}"), map[string]result{"b": known, "nowhere.test": {}, "c.two:9090": {}}, true},
		"empty":         {sidecar("outboundTrafficPolicy: {}"), map[string]result{"b": known, "nowhere.test": {}}, true},
		"ALLOW_ANY": {sidecar(narrow + ", outboundTrafficPolicy: {mode: ALLOW_ANY}"), map[string]result{"b": known, "nowhere.test": to("PassthroughCluster", false),
			"nowhere.test:12345": to("PassthroughCluster", false), "db": to("db.one.svc.cluster.local", false), "c.two:9090": to("c.two.svc.cluster.local", true),
			"c.two.svc.cluster.local:9090": to("c.two.svc.cluster.local", true), "c.two:9091": to("PassthroughCluster", false)}, true},
		"ALLOW_ANY, all hosts seen": {sidecar("outboundTrafficPolicy: {mode: ALLOW_ANY}"), map[string]result{"b": known, "c.two:9090": {outcome: Direct},
			"nowhere.test": to("PassthroughCluster", false)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			documents := []string{file(t, "base.yaml"), policies}
			if c.sidecar != "" {
				documents = append(documents, c.sidecar)
			}
			table := compiled(t, documents...)
			src := &Source{Workload: "a-v1", Namespace: "one", Labels: map[string]string{"app": "a", "version": "v1"}, Principal: "cluster.local/ns/one/sa/default"}
			if got := table.StatesOutbound(src); got != c.states {
				t.Errorf("states the policy: %v, want %v", got, c.states)
			}
			for authority, want := range c.want {
				port := 80
				if _, p, ok := strings.Cut(authority, ":"); ok {
					port = map[string]int{"9090": 9090, "9091": 9091, "12345": 12345}[p]
				}
				req := &Request{Method: "GET", Authority: authority, Path: "/", Scheme: "http", Port: port}
				d, e := table.Decide(req, src, 1), table.Explain(req, src)
				got := result{outcome: d.Outcome}
				if d.To != nil {
					got.cluster = d.To.Cluster.Name + " " + d.To.Cluster.Host
					got.denied = len(e.Shares[0].Refusals) > 0
				}
				if got != want || e.Outcome != want.outcome {
					t.Errorf("%s: got %+v, want %+v; explained:\n%s", authority, got, want, e)
				}
				if passes := strings.HasPrefix(want.cluster, passthroughName); passes && !strings.Contains(e.String(), "Sidecar one/s outboundTrafficPolicy ALLOW_ANY") {
					t.Errorf("%s: the explanation does not name the Sidecar:\n%s", authority, e)
				}
			}
		})
	}
}
