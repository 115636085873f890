package conformance

import (
	"slices"
	"strings"
	"testing"
)

// TestEgress: in the overlay egress all calls that leave the mesh pass through the egress gateway; elsewhere they go directly.
func TestEgress(t *testing.T) {
	t.Parallel()
	meshed(t)
	const notRegistered = "http://minimal.hopline-outside.svc.cluster.local:9090/" // the target of the registered name
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
	arrived(t, trace, caller, "minimal SERVER post /bounce", "minimal CLIENT *")
	through := func() bool {
		spans, err := read(trace)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(spans, func(s span) bool { return s.LocalEndpoint.ServiceName == "istio-egressgateway" })
	}
	if *overlay != "egress" {
		if through() {
			t.Errorf("a span of the egress gateway, in overlay %s", *overlay)
		}
	} else if !eventually(arrival, through) { // a proxy sends its spans in batches, or after some seconds
		t.Error("no span of the egress gateway")
	}
}
