package mesh

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMatchedHeaders checks that headers of headers and withoutHeaders are listed once, and parts of the request line are not.
func TestMatchedHeaders(t *testing.T) {
	t.Parallel()
	table := compiled(t, `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: middle, namespace: hopline}
spec:
  hosts: [middle]
  http:
    - match: [{headers: {x-dev-user: {exact: a}, ":method": {exact: GET}}}, {withoutHeaders: {cookie: {}, X-Dev-User: {exact: b}}}]
      route: [{destination: {host: middle}}]
    - match: [{headers: {host: {exact: a}, end-user: {prefix: j}}, method: {exact: GET}}]
      route: [{destination: {host: middle}}]
`)
	if diff := cmp.Diff([]string{"Cookie", "End-User", "X-Dev-User"}, table.MatchedHeaders()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
