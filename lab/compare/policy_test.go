package compare

import (
	"slices"
	"strings"
	"testing"

	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"
	api "istio.io/api/type/v1beta1"

	"github.com/hopline/hopline/lab/overlay"
)

// TestPolicyConditions: a policy that appears is found by each kind of condition on requests, also where a rule has changed what it checks.
// What is not compared is stated.
func TestPolicyConditions(t *testing.T) {
	t.Parallel()
	paths := func(p string) []*security.Rule_To {
		return []*security.Rule_To{{Operation: &security.Operation{Paths: []string{p}}}}
	}
	when := func(key string, values ...string) []*security.Condition {
		return []*security.Condition{{Key: key, Values: values}}
	}
	from := func(s *security.Source) []*security.Rule_From { return []*security.Rule_From{{Source: s}} }
	const differ, same = true, false
	for name, c := range map[string]struct {
		rule  *security.Rule
		want  bool
		limit string
	}{
		"header":           {&security.Rule{When: when("request.headers[x-1]", "rare")}, differ, ""},
		"header set":       {&security.Rule{When: when("request.headers[x-set]", "set")}, differ, ""},
		"header never set": {&security.Rule{When: when("request.headers[x-set]", "other")}, same, ""},
		"header added to":  {&security.Rule{When: when("request.headers[x-add]", "own")}, differ, "a rule adds to a header that a policy checks"},
		"method":           {&security.Rule{When: when("request.headers[:method]", "PATCH")}, differ, ""},
		"authority":        {&security.Rule{When: when("request.headers[host]", "one:80")}, differ, ""},
		"target":           {&security.Rule{When: when("request.headers[:path]", "/x*")}, differ, "pseudo-header :path"},
		"template":         {&security.Rule{To: paths("/{*}/rare")}, differ, ""},
		"address":          {&security.Rule{From: from(&security.Source{IpBlocks: []string{"127.0.0.1"}})}, differ, ""},
		"another address":  {&security.Rule{From: from(&security.Source{IpBlocks: []string{"10.0.0.0/8"}})}, same, ""},
		"client":           {&security.Rule{From: from(&security.Source{RemoteIpBlocks: []string{"10.0.0.0/8"}})}, same, "requests with X-Forwarded-For are not compared"},
		"server name":      {&security.Rule{When: when("connection.sni", "outbound_.80_._.one.*")}, differ, ""},
		"own port":         {&security.Rule{When: when("destination.port", "81")}, same, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := world()
			o.VirtualServices = []overlay.Istio[*networking.VirtualService]{{Meta: overlay.Meta{Kind: "VirtualService", Namespace: "ns", Name: "one"}, Spec: &networking.VirtualService{
				Hosts: []string{"one"}, Http: []*networking.HTTPRoute{{Match: []*networking.HTTPMatchRequest{{Uri: &networking.StringMatch{MatchType: &networking.StringMatch_Prefix{Prefix: "/old/"}}}},
					Rewrite: &networking.HTTPRewrite{Uri: "/"}, Route: []*networking.HTTPRouteDestination{{Destination: &networking.Destination{Host: "one"}}},
					Headers: &networking.Headers{Request: &networking.Headers_HeaderOperations{Set: map[string]string{"x-set": "set"}, Add: map[string]string{"x-add": "more"}}}}}}}}
			denied := *o
			denied.AuthorizationPolicies = []overlay.Istio[*security.AuthorizationPolicy]{{Meta: overlay.Meta{Kind: "AuthorizationPolicy", Namespace: "ns", Name: "p"},
				Spec: &security.AuthorizationPolicy{Action: security.AuthorizationPolicy_DENY, Selector: &api.WorkloadSelector{MatchLabels: map[string]string{"app": "one"}}, Rules: []*security.Rule{c.rule}}}}
			result := Tables(rulesOf(t, o), rulesOf(t, &denied))
			limited := slices.ContainsFunc(result.Limits, func(l string) bool { return c.limit != "" && strings.Contains(l, c.limit) })
			if got := len(result.Groups) > 0; got != c.want || limited != (c.limit != "") || len(result.Limits) > 0 && c.limit == "" {
				t.Fatalf("differences: %v, want %v; limits %q, want %q", got, c.want, result.Limits, c.limit)
			}
		})
	}
}
