package up

import (
	"testing"

	"github.com/hopline/hopline/lab/internal/shipped"
	"github.com/hopline/hopline/lab/overlay"
)

func TestPagePathIsThePrefixWithARoute(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"canary": "/demo-app/", "prod": "/demo-app/", "egress": "/demo-app/", "plain": ""} {
		o, err := overlay.Load(shipped.Overlay(t, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := pagePath(o); got != want {
			t.Errorf("overlay %s: page at %q, want %q", name, got, want)
		}
	}
}

func TestPagePathOfAnHTTPRouteEndsWithASlash(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ prefix, want string }{{"/demo-app", "/demo-app/"}, {"/demo-app/", "/demo-app/"}, {"/", "/"}} {
		o := &overlay.Overlay{HTTPRoutes: []overlay.HTTPRoute{{Spec: overlay.HTTPRouteSpec{
			ParentRefs: []overlay.ParentRef{{Kind: "Gateway", Name: "hopline"}},
			Rules: []overlay.HTTPRouteRule{{
				Matches:     []overlay.HTTPRouteMatch{{Path: &overlay.HTTPPathMatch{Type: "PathPrefix", Value: &c.prefix}}},
				BackendRefs: []overlay.HTTPBackendRef{{}},
			}},
		}}}}
		if got := pagePath(o); got != c.want {
			t.Errorf("prefix %s: page at %q, want %q", c.prefix, got, c.want)
		}
	}
}
