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
	around := 200
	if *overlay == "egress" {
		around = 502
	}
	if b, err := bounce(notRegistered, nil); err != nil || b.StatusCode != around {
		t.Errorf("around the gateway: %d, %v, wanted %d", b.StatusCode, err, around)
	}
	b, err := bounce("http://minimal.external.kind.org:9090/", nil)
	if err != nil || b.StatusCode != 200 {
		t.Fatalf("by its registered name: %d, %v", b.StatusCode, err)
	}
	if by := b.Headers["X-Served-By"]; !strings.HasPrefix(by, "minimal-outside/") {
		t.Errorf("served by %q, wanted the one outside", by)
	}
	readsTraces(t)
	want := []string{"minimal SERVER post /bounce", "minimal CLIENT *"}
	if *overlay == "egress" {
		want = append(want, "istio-egressgateway CLIENT *")
	}
	spans := traced(t, func(trace, caller string) {
		if _, err := bounce("http://minimal.external.kind.org:9090/", headers{"b3": trace + "-" + caller + "-1"}); err != nil {
			t.Fatal(err)
		}
	}, want...)
	if *overlay != "egress" && slices.ContainsFunc(spans, func(s span) bool { return s.LocalEndpoint.ServiceName == "istio-egressgateway" }) {
		t.Errorf("a span of the egress gateway, in overlay %s", *overlay)
	}
}
