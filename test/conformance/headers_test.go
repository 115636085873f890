package conformance

import (
	"testing"
)

// forwarded are headers that every hop passes on and echoes.
var forwarded = headers{"x-dev-user": "betaUser", "x-ot-span-context": "a;b", "fail": "0", "x-fault-nobody": "error=100"}

// TestForwardedHeaders: the response echoes them.
func TestForwardedHeaders(t *testing.T) {
	t.Parallel()
	a := get(t, page("/hops"), forwarded)
	for name, value := range forwarded {
		if got := a.Header.Get(name); got != value {
			t.Errorf("%s: %q was returned, %q was sent", name, got, value)
		}
	}
	first, second := get(t, page("/hops"), nil).Header.Get("x-request-id"), get(t, page("/hops"), nil).Header.Get("x-request-id")
	if first == "" || first == second {
		t.Errorf("x-request-id %q, then %q: wanted one made for each request", first, second)
	}
}

// TestForwardedUpstream: they are sent to the upstream, which echoes them too, with the request's id and the trace.
func TestForwardedUpstream(t *testing.T) {
	t.Parallel()
	meshed(t)
	trace := newID(16)
	a := call(t, "POST", "/bounce", forwarded.and("Host", minimalHost).and("b3", trace+"-"+newID(8)+"-1"),
		`{"rebound":"true","endpoint":"http://minimal.external.kind.org:9090"}`)
	b, err := decode[bounced](a)
	if err != nil {
		t.Fatal(err)
	}
	want := forwarded.and("x-b3-traceid", trace)
	if *overlay != "egress" { // the egress gateway makes another id, as every gateway does
		want["x-request-id"] = a.Header.Get("x-request-id")
	}
	for name, value := range want {
		if got := b.Headers[canonical(name)]; got != value {
			t.Errorf("%s: the upstream had %q, wanted %q", name, got, value)
		}
	}
}

// TestMeshHeaders checks the headers that the mesh adds for the upstream and for the caller.
func TestMeshHeaders(t *testing.T) {
	t.Parallel()
	meshed(t)
	a := get(t, "/x", headers{"Host": minimalHost})
	echo, err := decode[bounced](a)
	if err != nil {
		t.Fatal(err)
	}
	want := headers{"x-envoy-attempt-count": "1", "x-forwarded-proto": "http", "x-request-id": a.Header.Get("x-request-id")}
	for name, value := range want {
		if got := echo.Headers[canonical(name)]; got != value {
			t.Errorf("the upstream got %s: %q, wanted %q", name, got, value)
		}
	}
	if a.Header.Get("x-envoy-upstream-service-time") == "" {
		t.Error("the caller got no x-envoy-upstream-service-time")
	}
}
