package conformance

import (
	"strings"
	"testing"
)

// TestEgress: in the overlay egress what leaves the mesh passes through the egress gateway, and nothing goes another way; elsewhere it goes
// straight.
func TestEgress(t *testing.T) {
	t.Parallel()
	meshed(t)
	const notRegistered = "http://minimal.hopline-outside.svc.cluster.local:9090/" // what the registered name leads to
	want := 200
	if *overlay == "egress" {
		want = 502
	}
	if b, err := bounce(notRegistered, nil); err != nil || b.StatusCode != want {
		t.Errorf("around the gateway: %d, %v, wanted %d", b.StatusCode, err, want)
	}
	b, err := bounce("http://minimal.external.kind.org:9090/", nil)
	if err != nil || b.StatusCode != 200 {
		t.Fatalf("by its registered name: %d, %v", b.StatusCode, err)
	}
	if by := b.Headers["X-Served-By"]; !strings.HasPrefix(by, "minimal-outside/") {
		t.Errorf("served by %q, wanted the one outside", by)
	}
	readsTraces(t)
	trace, caller := newID(16), newID(8)
	if _, err := bounce("http://minimal.external.kind.org:9090/", headers{"b3": trace + "-" + caller + "-1"}); err != nil {
		t.Fatal(err)
	}
	spans := arrived(t, trace, caller, "minimal SERVER post /bounce", "minimal CLIENT *")
	through := false
	for _, s := range spans {
		through = through || s.LocalEndpoint.ServiceName == "istio-egressgateway"
	}
	if through != (*overlay == "egress") {
		t.Errorf("a span of the egress gateway: %v, in overlay %s", through, *overlay)
	}
}
