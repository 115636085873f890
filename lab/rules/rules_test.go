package rules

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"

	"github.com/hopline/hopline/lab/internal/shipped"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// The lenient reading of an overlay that the lab accepts gives the same answers as the strict one.
func TestReadLikeLoad(t *testing.T) {
	t.Parallel()
	for _, dir := range shipped.Overlays(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			o, table, err := mesh.Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			strict := Of(o, table, dir)
			lenient, err := Read(t.Context(), []string{dir}, nil)
			if err != nil {
				t.Fatal(err)
			}
			callers := []string{""}
			for _, d := range o.Deployments {
				callers = append(callers, d.Namespace+"/"+d.Name)
			}
			for _, from := range callers {
				for _, url := range []string{"http://localhost/demo-app/hops", "http://bounced.svc.kind.org/", "http://middle/hops", "http://core/hops", "http://worldtimeapi.org/api/timezone"} {
					for _, user := range []string{"", "betaUser", "stressTest"} {
						q := Question{From: from, Method: "GET", URL: url}
						if user != "" {
							q.Headers = []Header{{"x-dev-user", user}}
						}
						if diff := cmp.Diff(answerText(strict, &q), answerText(lenient, &q)); diff != "" {
							t.Errorf("%+v (-strict +lenient)\n%s", q, diff)
						}
					}
				}
			}
		})
	}
}

// answerText returns an answer without the notes, which name what is assumed.
func answerText(r *Rules, q *Question) string {
	a, err := r.Ask(q)
	if err != nil {
		return err.Error()
	}
	text, _, _ := strings.Cut(a.String(), "  note ")
	return text
}

func TestClearPath(t *testing.T) {
	t.Parallel()
	spec := func() *networking.DestinationRule {
		return &networking.DestinationRule{Host: "a", Subsets: []*networking.Subset{{Name: "one"}, {Name: "two", Labels: map[string]string{"a.b/c": "d", "e": "f"}}}}
	}
	for path, want := range map[string]string{
		"spec.host":                       "hosts of subsets: one, two",
		"spec.subsets[0]":                 "a: two",
		"spec.subsets[1]":                 "a: one",
		"spec.subsets[1].name":            "a: one, ",
		`spec.subsets[1].labels["a.b/c"]`: "a: one, two",
		"spec.subsets":                    "a: ",
	} {
		got := spec()
		if !clearPath(got, path) {
			t.Errorf("%s: nothing was removed", path)
		}
		var names []string
		for _, s := range got.Subsets {
			names = append(names, s.Name)
		}
		host := got.Host
		if host == "" {
			host = "hosts of subsets"
		}
		if text := host + ": " + strings.Join(names, ", "); text != want {
			t.Errorf("%s: left %q, want %q", path, text, want)
		}
	}
	labels := spec()
	clearPath(labels, `spec.subsets[1].labels["a.b/c"]`)
	if diff := cmp.Diff(map[string]string{"e": "f"}, labels.Subsets[1].Labels); diff != "" {
		t.Error(diff)
	}
	for _, path := range []string{"spec", "spec.nothing", "spec.exportTo", "spec.subsets[2]", "spec.subsets[0].trafficPolicy.tls", "spec.host.name", "spec.subsets[1].labels.x"} {
		if clearPath(spec(), path) {
			t.Errorf("%s: something was removed", path)
		}
	}
}

// A policy of which a part is not supported decides the requests for which that part does not matter, and no others.
func TestPolicyVariants(t *testing.T) {
	t.Parallel()
	when := []*security.Condition{{Key: "request.auth.claims[group]", Values: []string{"a"}}}
	header := []*security.Condition{{Key: "request.headers[x-key]", NotValues: []string{"a"}}}
	remote := []*security.Condition{{Key: "remote.ip", Values: []string{"10.0.0.0/8"}}}
	paths := func(p ...string) []*security.Rule_To {
		return []*security.Rule_To{{Operation: &security.Operation{Paths: p}}}
	}
	for name, c := range map[string]struct {
		policies []*security.AuthorizationPolicy
		want     map[string]string // by path: "" allowed, "403", or "?"
	}{
		"deny": {[]*security.AuthorizationPolicy{{Action: security.AuthorizationPolicy_DENY, Rules: []*security.Rule{{To: paths("/a"), When: when}, {To: paths("/b")}}}},
			map[string]string{"/a": "?", "/b": "403", "/c": ""}},
		"allow": {[]*security.AuthorizationPolicy{{Rules: []*security.Rule{{To: paths("/a"), When: when}, {To: paths("/b")}}}},
			map[string]string{"/a": "?", "/b": "", "/c": "403"}},
		"custom": {[]*security.AuthorizationPolicy{{Action: security.AuthorizationPolicy_CUSTOM, Rules: []*security.Rule{{To: paths("/a")}}}},
			map[string]string{"/a": "?", "/b": ""}},
		"audit": {[]*security.AuthorizationPolicy{{Action: security.AuthorizationPolicy_AUDIT, Rules: []*security.Rule{{}}}},
			map[string]string{"/a": ""}},
		"address": {[]*security.AuthorizationPolicy{{Action: security.AuthorizationPolicy_DENY,
			Rules: []*security.Rule{{To: paths("/a"), From: []*security.Rule_From{{Source: &security.Source{IpBlocks: []string{"10.0.0.0/8"}}}}}}}},
			map[string]string{"/a": "?", "/b": ""}},
		"template, denied by another": {[]*security.AuthorizationPolicy{{Rules: []*security.Rule{{To: paths("/a/{*}")}}}, {Action: security.AuthorizationPolicy_DENY, Rules: []*security.Rule{{To: paths("/a/x")}}}},
			map[string]string{"/a/x": "403", "/a/y": "", "/b": "403"}},
		"header": {[]*security.AuthorizationPolicy{{Action: security.AuthorizationPolicy_DENY, Rules: []*security.Rule{{To: paths("/a"), When: header}}}},
			map[string]string{"/a": "403", "/b": ""}},
		"client's address": {[]*security.AuthorizationPolicy{{Rules: []*security.Rule{{To: paths("/a"), When: remote}, {To: paths("/b")}}}},
			map[string]string{"/a": "?", "/b": "", "/c": "403"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := &overlay.Overlay{Lenient: true,
				Services:    []overlay.Service{{Meta: overlay.Meta{Kind: "Service", Namespace: "one", Name: "a"}, Selector: map[string]string{"app": "a"}, Ports: []overlay.ServicePort{{Name: "http", Port: 80, Target: "8080"}}}},
				Deployments: []overlay.Deployment{{Meta: overlay.Meta{Kind: "Deployment", Namespace: "one", Name: "a"}, Replicas: 1, Pod: overlay.PodTemplate{Labels: map[string]string{"app": "a"}, AnyPort: true}}}}
			for i, p := range c.policies {
				o.AuthorizationPolicies = append(o.AuthorizationPolicies, overlay.Istio[*security.AuthorizationPolicy]{
					Meta: overlay.Meta{Kind: "AuthorizationPolicy", Namespace: "one", Name: string(rune('p' + i))}, Spec: p})
			}
			r := &Rules{Overlay: o, Assumed: o.Assume()}
			if err := r.compile(nil); err != nil {
				t.Fatal(err)
			}
			for path, want := range c.want {
				got := ""
				switch a, err := r.Ask(&Question{From: "a", Method: "GET", URL: "http://a" + path}); {
				case err != nil && strings.HasPrefix(err.Error(), "no answer: AuthorizationPolicy one/"):
					got = "?"
				case err != nil:
					t.Fatal(err)
				case a.Status() == 403:
					got = "403"
				}
				if got != want {
					t.Errorf("%s: got %q, want %q", path, got, want)
				}
			}
		})
	}
}
