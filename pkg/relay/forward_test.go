package relay

import (
	"context"
	"net/http"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestForwarded: the right headers reach the upstream, and no other header of the caller does.
func TestForwarded(t *testing.T) {
	t.Parallel()
	var got http.Header
	u := newRig(t, Options{}).to(t, upstream(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Clone() }))
	in := http.Header{
		"X-Request-Id": {"the id"}, "X-Ot-Span-Context": {"a"}, "X-Dev-User": {"betaUser", "again"}, "Fail": {"0.5"},
		"X-Fault-Core": {"error=50"}, "X-Fault-Middle": {"drop=1"}, "X-Fault-Injected": {"not this"},
		"X-B3-Traceid": {"463ac35c9f6413ad48485a3953bb6124"}, "Cookie": {"secret"}, "Authorization": {"secret"}, "X-Forwarded-For": {"1.2.3.4"},
	}
	resp, err := u.Get(forwarding(t.Context(), in), "/x", "Accept", "text/plain")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	for _, own := range []string{"X-B3-Traceid", "X-B3-Spanid", "X-B3-Sampled"} {
		if len(got[own]) != 1 || got.Get(own) == in.Get(own) {
			t.Errorf("%s is %q, wanted this hop's own", own, got[own])
		}
		delete(got, own)
	}
	want := http.Header{
		"X-Request-Id": {"the id"}, "X-Ot-Span-Context": {"a"}, "X-Dev-User": {"betaUser", "again"}, "Fail": {"0.5"},
		"X-Fault-Core": {"error=50"}, "X-Fault-Middle": {"drop=1"},
		"Accept": {"text/plain"}, "User-Agent": {"Go-http-client/1.1"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestRequestID: an id is made if it is missing or empty, a new one for each request.
func TestRequestID(t *testing.T) {
	t.Parallel()
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for range 1000 {
		f := FromContext(forwarding(context.Background(), http.Header{"X-Request-Id": {""}}))
		if !uuid.MatchString(f.RequestID()) || seen[f.RequestID()] {
			t.Fatalf("%q is not a new UUID", f.RequestID())
		}
		seen[f.RequestID()] = true
	}
	if f := FromContext(context.Background()); f != nil {
		t.Errorf("%v in an empty context", f)
	}
}
