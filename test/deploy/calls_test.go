package deploy

import (
	"slices"
	"strings"
	"testing"

	security "istio.io/api/security/v1beta1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

const (
	application = 8080
	admin       = 8081
)

// party is a caller or callee: a pod by its namespace and labels, with the identity in its certificate.
type party struct {
	namespace, app string
	labels         map[string]string
	principal      string // empty for none of the mesh
}

func gateway(name string) party {
	return party{"istio-system", name, map[string]string{"app": "istio-" + name, "istio": name}, "cluster.local/ns/istio-system/sa/istio-" + name + "-service-account"}
}

func (p party) String() string { return p.namespace + "/" + p.app }

// parties returns all possible callers: the overlay's apps, the gateways, Prometheus, and unknown ones.
func (s *system) parties() []party {
	seen := map[string]bool{}
	var all []party
	for _, d := range s.deployments {
		l := d.Spec.Template.Labels
		p := party{namespace: d.Namespace, app: l["app"], labels: l}
		if d.Namespace == "hopline" {
			p.principal = "cluster.local/ns/hopline/sa/" + d.Spec.Template.Spec.ServiceAccountName
		}
		if !seen[p.String()] {
			seen[p.String()] = true
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b party) int { return strings.Compare(a.String(), b.String()) })
	return append(all,
		gateway("ingressgateway"), gateway("egressgateway"),
		party{"istio-system", "prometheus", map[string]string{"app.kubernetes.io/name": "prometheus"}, ""},
		party{"default", "stranger", map[string]string{"app": "front"}, "cluster.local/ns/default/sa/default"},
		party{"hopline", "newcomer", map[string]string{"app": "newcomer"}, "cluster.local/ns/hopline/sa/default"},
	)
}

// callers returns the table: who may call an app, in all the mesh's overlays.
func callers(overlay string) map[string][]string {
	ingress := "istio-system/ingressgateway"
	switch overlay {
	case "plain":
		return map[string][]string{
			"hopline/middle": {"hopline/front"}, "hopline/core": {"hopline/middle"}, "hopline/clock": {"hopline/core"}, "hopline/bounced": {ingress, "hopline/bounced"},
			"hopline/front": nil, // everybody, see below
		}
	case "egress":
		return with(callers("canary"), map[string][]string{
			"hopline-outside/worldtimeapi": {"istio-system/egressgateway"}, "hopline-outside/minimal": {"istio-system/egressgateway"},
		})
	}
	return map[string][]string{
		"hopline/front":                {ingress},
		"hopline/middle":               {"hopline/front"},
		"hopline/core":                 {"hopline/middle"},
		"hopline/clock":                {"hopline/core"},
		"hopline/minimal":              {ingress, "hopline/minimal", "hopline/bounced"},
		"hopline/bounced":              {ingress, "hopline/minimal", "hopline/bounced"},
		"hopline-outside/worldtimeapi": {"hopline/core"},
		"hopline-outside/minimal":      {"hopline/minimal", "hopline/bounced"},
	}
}

// testWhoMayCallWhom evaluates the NetworkPolicies and the AuthorizationPolicies for every pair of parties. Both express the same table,
// but the mesh's policies do not see callers beyond a gateway, nor namespaces without sidecars.
func testWhoMayCallWhom(t *testing.T, overlay string, s *system) {
	table := callers(overlay)
	for _, to := range s.parties() {
		allowed, ours := table[to.String()]
		if !ours {
			continue // not in this overlay, which has no policy for it
		}
		for _, from := range s.parties() {
			want := slices.Contains(allowed, from.String()) || overlay == "plain" && to.app == "front" && from.namespace != "hopline" && from.namespace != "hopline-outside"
			if got := s.reaches(from, to, application); got != want {
				t.Errorf("network: %s reaches %s: %v, want %v", from, to, got, want)
			}
			if got, want := s.reaches(from, to, admin), from.namespace == "istio-system" && to.namespace == "hopline"; got != want {
				t.Errorf("network: %s reaches %s's admin port: %v, want %v", from, to, got, want)
			}
			if to.namespace != "hopline" || overlay == "plain" {
				continue
			}
			if got := s.authorized(t, from, to, application, "GET", "/hops"); got != want {
				t.Errorf("mesh: %s may call %s: %v, want %v", from, to, got, want)
			}
			for path, want := range map[string]bool{"/metrics": true, "/faults": false, "/debug/pprof/": false} {
				if got := s.authorized(t, from, to, admin, "GET", path); got != want {
					t.Errorf("mesh: %s may request %[3]s of %[2]s's admin port: %[4]v, want %[5]v", from, to, path, got, want)
				}
			}
			if s.authorized(t, from, to, admin, "PUT", "/metrics") {
				t.Errorf("mesh: %s may PUT to %s's admin port", from, to)
			}
		}
	}
}

// TestClientMayCallEverybody: the component client adds itself to both kinds of policies.
func TestClientMayCallEverybody(t *testing.T) {
	t.Parallel()
	s := decode(t, renderWith(t, "canary", "client"))
	client := party{"hopline", "client", map[string]string{"app": "client"}, "cluster.local/ns/hopline/sa/client"}
	for _, to := range s.parties() {
		if _, ours := callers("canary")[to.String()]; ours && to.namespace == "hopline" {
			if !s.reaches(client, to, application) || !s.authorized(t, client, to, application, "GET", "/") {
				t.Errorf("client may not call %s", to)
			}
			if s.reaches(client, to, admin) {
				t.Errorf("client reaches the admin port of %s", to)
			}
		}
	}
}

// reaches reports whether the NetworkPolicies allow a connection: egress at one end and ingress at the other. A pod that no policy selects
// is open.
func (s *system) reaches(from, to party, port int32) bool {
	outSelected, out, inSelected, in := false, false, false, false
	for _, p := range s.networkPolicies {
		if p.Namespace == from.namespace && matches(&p.Spec.PodSelector, from.labels) && slices.Contains(p.Spec.PolicyTypes, networkingv1.PolicyTypeEgress) {
			outSelected = true
			for _, r := range p.Spec.Egress {
				out = out || hasPort(r.Ports, port) && hasPeer(p.Namespace, r.To, to)
			}
		}
		if p.Namespace == to.namespace && matches(&p.Spec.PodSelector, to.labels) && slices.Contains(p.Spec.PolicyTypes, networkingv1.PolicyTypeIngress) {
			inSelected = true
			for _, r := range p.Spec.Ingress {
				in = in || hasPort(r.Ports, port) && hasPeer(p.Namespace, r.From, from)
			}
		}
	}
	return (out || !outSelected) && (in || !inSelected)
}

func hasPort(ports []networkingv1.NetworkPolicyPort, port int32) bool {
	for _, p := range ports {
		if p.Port == nil || p.Port.IntVal == port {
			return true
		}
	}
	return len(ports) == 0
}

func hasPeer(namespace string, peers []networkingv1.NetworkPolicyPeer, who party) bool {
	for _, p := range peers {
		where := who.namespace == namespace
		if p.NamespaceSelector != nil {
			where = matches(p.NamespaceSelector, map[string]string{"kubernetes.io/metadata.name": who.namespace})
		}
		if where && p.IPBlock == nil && (p.PodSelector == nil || matches(p.PodSelector, who.labels)) {
			return true
		}
	}
	return len(peers) == 0
}

func matches(selector *metav1.LabelSelector, set map[string]string) bool {
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && s.Matches(labels.Set(set))
}

// authorized reports whether the AuthorizationPolicies allow a request: if any selects the pod, a rule of one must match. The overlays use
// only ALLOW, and in rules only principals, ports, methods and paths; anything else is an error of this test.
func (s *system) authorized(t *testing.T, from, to party, port int, method, path string) bool {
	t.Helper()
	selected, allowed := false, false
	for key, p := range s.authorizationPolicies {
		if p.Action != security.AuthorizationPolicy_ALLOW {
			t.Fatalf("AuthorizationPolicy %s: action %s", key, p.Action)
		}
		if p.Selector != nil && !labels.SelectorFromSet(p.Selector.MatchLabels).Matches(labels.Set(to.labels)) {
			continue
		}
		selected = true
		for _, r := range p.Rules {
			allowed = allowed || isFrom(r.From, from) && isTo(r.To, port, method, path)
		}
	}
	return allowed || !selected
}

func isFrom(rules []*security.Rule_From, from party) bool {
	for _, f := range rules {
		if from.principal != "" && slices.Contains(f.Source.Principals, from.principal) {
			return true
		}
	}
	return len(rules) == 0
}

func isTo(rules []*security.Rule_To, port int, method, path string) bool {
	anyOr := func(values []string, v string) bool { return len(values) == 0 || slices.Contains(values, v) }
	for _, to := range rules {
		o := to.Operation
		if slices.Contains(o.Ports, map[int]string{application: "8080", admin: "8081"}[port]) && anyOr(o.Methods, method) && anyOr(o.Paths, path) {
			return true
		}
	}
	return false
}
