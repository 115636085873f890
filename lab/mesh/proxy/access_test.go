package proxy

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/mesh"
)

// TestAccessHasWhatTheDecisionLookedAt checks the headers in an access record: those that rules match on, as they were before the rule
// changed them. It also checks who called a gateway, and that a denied request is named as denied.
func TestAccessHasWhatTheDecisionLookedAt(t *testing.T) {
	t.Parallel()
	up := handle(t, func(http.ResponseWriter, *http.Request) {})
	route := routeTo(service("middle"))
	route.Headers.RequestSet = []mesh.Header{{Name: "x-dev-user", Value: "other"}}
	table := toRoute(route)
	table.headers = []string{"X-Absent", "X-Dev-User"}
	table.authorize = func(_, _ *mesh.Source, q *mesh.Request) bool { return q.Path != "/denied" }
	logged := make(chan Access, 1)
	b := newBench(t, Options{Access: func(a *Access) {
		own := *a
		own.Values = slices.Clone(a.Values)
		logged <- own
	}}, table, podOf("middle", "middle-1", up))
	for path, denied := range map[string]bool{"/fine": false, "/denied": true} {
		b.get("http://middle"+path, "x-dev-user: betaUser")
		a := receive(t, "the access record", logged)
		if diff := cmp.Diff([][]string{nil, {"betaUser"}}, a.Values); diff != "" || !slices.Equal(a.Headers, table.headers) {
			t.Errorf("%s: headers %v, values (-want +got):\n%s", path, a.Headers, diff)
		}
		if a.Denied != denied || a.Port != 80 || a.Scheme != "http" || a.From != nil {
			t.Errorf("%s: got %+v, want denied %t", path, a, denied)
		}
	}
}
