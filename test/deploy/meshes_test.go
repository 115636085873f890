package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// httpRoute holds the fields of HTTPRoutes that deploy/meshes uses. Gateway API 1.2.1 has all of them.
type httpRoute struct {
	ParentRefs []struct {
		Group *string
		Kind  string
		Name  string
		Port  int32
	}
	Hostnames []string
	Rules     []struct {
		Matches []struct {
			Path    *struct{ Type, Value string }
			Headers []struct{ Name, Value string }
		}
		Filters     []json.RawMessage
		BackendRefs []struct {
			Name   string
			Port   int32
			Weight *int32
		}
	}
}

// meshObjects decodes the objects of kinds that only other meshes have, by kind and name, and returns the others.
func meshObjects(t *testing.T, objects []object) (routes map[string]httpRoute, policies map[string]map[string]any, rest []object) {
	t.Helper()
	routes, policies = map[string]httpRoute{}, map[string]map[string]any{}
	for _, o := range objects {
		var all struct{ Spec json.RawMessage }
		if err := json.Unmarshal(o.raw, &all); err != nil {
			t.Fatal(err)
		}
		switch {
		case o.Kind == "HTTPRoute":
			var r httpRoute
			strict := json.NewDecoder(bytes.NewReader(all.Spec))
			strict.DisallowUnknownFields()
			if err := strict.Decode(&r); err != nil {
				t.Fatalf("%s: %v: later than Gateway API 1.2.1, or add it here", o, err)
			}
			routes[o.Metadata.Name] = r
		case strings.HasPrefix(o.APIVersion, "policy.linkerd.io/"):
			var spec map[string]any
			if err := json.Unmarshal(all.Spec, &spec); err != nil {
				t.Fatal(err)
			}
			policies[o.Kind+"/"+o.Metadata.Name] = spec
		case o.APIVersion != "gateway.networking.k8s.io/v1":
			rest = append(rest, o)
		}
	}
	return routes, policies, rest
}

// TestMeshesKeepCanarysTable: the rules of canary, and the half and half of split, once more as HTTPRoutes, by the header x-dev-user.
func TestMeshesKeepCanarysTable(t *testing.T) {
	t.Parallel()
	prodOrCanary := "prod 80, canary 20"
	for _, name := range []string{"linkerd", "linkerd-retry", "ambient"} {
		routes, _, rest := meshObjects(t, render(t, filepath.Join(root, "meshes", name)))
		s := decode(t, rest)
		for user, want := range map[string]map[string]string{
			"":           {"middle": prodOrCanary, "core": "prod", "minimal": "v1 50, v2 50"},
			"betaUser":   {"middle": "dev", "core": "test", "minimal": "v1 50, v2 50"},
			"stressTest": {"middle": prodOrCanary, "core": "test", "minimal": "v1 50, v2 50"},
		} {
			got := map[string]string{}
			for service := range want {
				got[service] = s.versionsBehind(t, routes[service], service, user)
			}
			if d := gocmp.Diff(want, got); d != "" {
				t.Errorf("%s: x-dev-user %q (-want +got):\n%s", name, user, d)
			}
		}
	}
}

// versionsBehind returns the versions and weights of the rule that applies: the one with a matching header, which is more specific, before
// the one without.
func (s *system) versionsBehind(t *testing.T, r httpRoute, service, user string) string {
	t.Helper()
	if len(r.ParentRefs) != 1 || r.ParentRefs[0].Kind != "Service" || r.ParentRefs[0].Name != service || r.ParentRefs[0].Group == nil || *r.ParentRefs[0].Group != "" {
		t.Fatalf("parent of route %s: %+v", service, r.ParentRefs)
	}
	chosen := -1
	for i, rule := range r.Rules {
		specific := slices.ContainsFunc(rule.Matches, func(m struct {
			Path    *struct{ Type, Value string }
			Headers []struct{ Name, Value string }
		}) bool {
			return len(m.Headers) == 1 && m.Headers[0].Name == "x-dev-user" && m.Headers[0].Value == user
		})
		if specific || chosen < 0 && len(rule.Matches) == 0 {
			chosen = i
		}
	}
	if chosen < 0 {
		t.Fatalf("no rule of %s for %q", service, user)
	}
	var parts []string
	for _, b := range r.Rules[chosen].BackendRefs {
		svc := s.services["hopline/"+b.Name]
		if svc == nil || svc.Spec.Ports[0].Port != b.Port || svc.Spec.Selector["app"] != service {
			t.Fatalf("route %s: no Service %s:%d of %s", service, b.Name, b.Port, service)
		}
		version, pods := svc.Spec.Selector["version"], 0
		for _, d := range s.deployments {
			if d.Namespace == "hopline" && contains(d.Spec.Template.Labels, svc.Spec.Selector) {
				pods++
			}
		}
		if version == "" || pods == 0 {
			t.Errorf("Service %s selects %d workloads of version %q", b.Name, pods, version)
		}
		if b.Weight != nil {
			version += fmt.Sprint(" ", *b.Weight)
		}
		parts = append(parts, version)
	}
	return strings.Join(parts, ", ")
}

// TestLinkerd: nothing of Istio is left, every pod has Linkerd's sidecar, and the same callers are allowed as under Istio.
func TestLinkerd(t *testing.T) {
	t.Parallel()
	_, policies, rest := meshObjects(t, render(t, filepath.Join(root, "meshes/linkerd")))
	s := decode(t, rest)
	for _, o := range rest {
		if strings.Contains(o.APIVersion, "istio.io") || o.Kind == "Namespace" && o.Metadata.Labels["istio-injection"] != "" {
			t.Errorf("%s is for Istio: %v", o, o.Metadata.Labels)
		}
	}
	for key, d := range s.deployments {
		if got, want := d.Spec.Template.Annotations["linkerd.io/inject"] == "enabled", d.Namespace == "hopline"; got != want {
			t.Errorf("%s: sidecar %v, want %v", key, got, want)
		}
	}
	got, want := map[string][]string{}, map[string][]string{}
	ingress := "*.envoy-gateway-system.serviceaccount.identity.linkerd.cluster.local"
	for to, callers := range callers("canary") {
		namespace, app, _ := strings.Cut(to, "/")
		if namespace != "hopline" {
			continue
		}
		for _, c := range callers {
			from, account, _ := strings.Cut(c, "/")
			identity := account + "." + from + ".serviceaccount.identity.linkerd.cluster.local"
			if from == "istio-system" {
				identity = ingress
			}
			want[app] = append(want[app], identity)
		}
		server, policy, callersOf := policies["Server/"+app], policies["AuthorizationPolicy/"+app], policies["MeshTLSAuthentication/callers-of-"+app]
		if server["accessPolicy"] != "deny" || server["port"] != "http" || fmt.Sprint(server["podSelector"]) != fmt.Sprintf("map[matchLabels:map[app:%s]]", app) {
			t.Errorf("Server %s: %v", app, server)
		}
		if target, ok := policy["targetRef"].(map[string]any); !ok || target["kind"] != "Server" || target["name"] != app {
			t.Errorf("AuthorizationPolicy %s: %v", app, policy)
		}
		if refs := fmt.Sprint(policy["requiredAuthenticationRefs"]); !strings.Contains(refs, "name:callers-of-"+app+"]") {
			t.Errorf("AuthorizationPolicy %s: %s", app, refs)
		}
		identities, _ := callersOf["identities"].([]any)
		for _, i := range identities {
			got[app] = append(got[app], fmt.Sprint(i))
		}
	}
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("identities that may call (-want +got):\n%s", d)
	}
}

// TestLinkerdRetries: before, nothing is retried; after, by annotations in the form that Linkerd's policy controller parses.
func TestLinkerdRetries(t *testing.T) {
	t.Parallel()
	form := map[string]*regexp.Regexp{
		"retry.linkerd.io/http":       regexp.MustCompile(`^(5xx|gateway-error|[1-5]\d\d(-[1-5]\d\d)?)(,(5xx|gateway-error|[1-5]\d\d(-[1-5]\d\d)?))*$`),
		"retry.linkerd.io/limit":      regexp.MustCompile(`^[1-9]\d*$`),
		"retry.linkerd.io/timeout":    regexp.MustCompile(`^\d+(ms|s|m|h|d)$`),
		"timeout.linkerd.io/request":  regexp.MustCompile(`^\d+(ms|s|m|h|d)$`),
		"timeout.linkerd.io/response": regexp.MustCompile(`^\d+(ms|s|m|h|d)$`),
	}
	chain := map[string]string{"retry.linkerd.io/http": "5xx", "retry.linkerd.io/limit": "4"}
	for name, want := range map[string]map[string]map[string]string{
		"linkerd": {},
		"linkerd-retry": {
			"bounced": {"retry.linkerd.io/http": "5xx", "retry.linkerd.io/limit": "20", "retry.linkerd.io/timeout": "2s", "timeout.linkerd.io/request": "40s"},
			"middle":  chain, "core": chain,
		},
	} {
		got := map[string]map[string]string{}
		for _, o := range render(t, filepath.Join(root, "meshes", name)) {
			if o.Kind == "HTTPRoute" && len(o.Metadata.Annotations) > 0 {
				got[o.Metadata.Name] = o.Metadata.Annotations
				for key, value := range o.Metadata.Annotations {
					if f := form[key]; f == nil || !f.MatchString(value) {
						t.Errorf("%s: %s: %s is not in Linkerd's form", o, key, value)
					}
				}
			}
		}
		if d := gocmp.Diff(want, got); d != "" {
			t.Errorf("%s: retries (-want +got):\n%s", name, d)
		}
	}
}
