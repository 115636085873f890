package conformance

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"testing"
)

// TestForwardedHeaders: they come back on the response, so every hop has seen them.
func TestForwardedHeaders(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{"x-dev-user": "betaUser", "x-ot-span-context": "a;b", "fail": "0", "x-fault-nobody": "error=100"} {
		if got := get(t, "/demo-app/hops", map[string]string{name: value}).Header.Get(name); got != value {
			t.Errorf("%s: %q came back, %q was sent", name, got, value)
		}
	}
	if id := get(t, "/demo-app/hops", nil).Header.Get("x-request-id"); id == "" {
		t.Error("no x-request-id was made")
	}
}

// TestHeaderFaults: faults asked for by header hit the hop that they name, and say so.
func TestHeaderFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, header, value string
		code                int
		injected, body      string
	}{
		{"one hop fails", "x-fault-core", "error=100", 500, "core error", ""},
		{"the first hop fails", "x-fault-front", "error=100", 500, "front error", ""},
		{"one hop is slow", "x-fault-middle", "latency=20ms", 200, "middle latency", ""},
		{"all fail", "fail", "1", 500, "front error", ""},
		{"not a number", "fail", "abc", 400, "", "fail: want a number from 0 to 1, got \"abc\"\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := get(t, "/demo-app/hops", map[string]string{c.header: c.value})
			if a.StatusCode != c.code {
				t.Errorf("%s: %s answered %d, wanted %d: %s", c.header, c.value, a.StatusCode, c.code, a.body)
			}
			if got := a.Header.Get("x-fault-injected"); got != c.injected {
				t.Errorf("x-fault-injected %q, wanted %q", got, c.injected)
			}
			if c.body != "" && a.body != c.body {
				t.Errorf("body %q, wanted %q", a.body, c.body)
			}
		})
	}
}

// TestFailRate: at fail: 0.5 each hop that a call reaches fails it with one half.
func TestFailRate(t *testing.T) {
	t.Parallel()
	if *overlay == "retry" {
		t.Skip("the overlay retry hides most of these failures: TestRetry says how many")
	}
	const fronts, middles = 0.5, 0.25 // core and, behind it, the clock share the rest
	user := "stressTest"
	counts := tally(t, *samples, func() (string, error) {
		a, err := try("GET", "/demo-app/hops", map[string]string{"fail": "0.5", "x-dev-user": user}, "")
		if err != nil {
			return "", err
		}
		switch by := a.Header.Get("x-fault-injected"); by {
		case "front error", "middle error":
			return by, nil
		default:
			return "beyond", nil
		}
	})
	fits(t, "fail: 0.5", counts, map[string]float64{"front error": fronts, "middle error": middles, "beyond": 1 - fronts - middles})
}

func newID(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// span is what of Zipkin's v2 span the suite reads.
type span struct {
	TraceID       string `json:"traceId"`
	ID            string `json:"id"`
	ParentID      string `json:"parentId"`
	Shared        bool   `json:"shared"`
	Kind          string `json:"kind"`
	LocalEndpoint struct {
		ServiceName string `json:"serviceName"`
	} `json:"localEndpoint"`
}

// TestTrace: the caller's trace is continued, and all of it arrives: one tree, from the caller's span down to the last hop.
func TestTrace(t *testing.T) {
	t.Parallel()
	trace, caller := newID(16), newID(8)
	a := get(t, "/demo-app/hops", map[string]string{"x-dev-user": "stressTest", "x-b3-traceid": trace, "x-b3-spanid": caller, "x-b3-sampled": "1"})
	if got := a.Header.Get("x-b3-traceid"); got != trace {
		t.Fatalf("the answer's trace is %q, the caller's %q", got, trace)
	}
	if *traces == "" {
		t.Skip("no TRACES given: the trace is not read back")
	}
	var spans []span
	servers := map[string]bool{}
	eventually(t, func() bool {
		spans = read(t, trace)
		for _, s := range spans {
			if s.Kind == "SERVER" {
				servers[s.LocalEndpoint.ServiceName] = true
			}
		}
		return servers["front"] && servers["middle"] && servers["core"]
	})
	for _, service := range []string{"front", "middle", "core"} {
		if !servers[service] {
			t.Errorf("no server span of %s among %d spans", service, len(spans))
		}
	}
	ids := map[string]bool{caller: true}
	for _, s := range spans {
		ids[s.ID] = true
	}
	for _, s := range spans {
		if !ids[s.ParentID] {
			t.Errorf("span %s of %s is an orphan: no span has its parent's id %q", s.ID, s.LocalEndpoint.ServiceName, s.ParentID)
		}
	}
}

// TestNotSampled: a caller's "not sampled" is honoured: nothing of the trace is kept.
func TestNotSampled(t *testing.T) {
	t.Parallel()
	if *traces == "" {
		t.Skip("no TRACES given: traces are not read back")
	}
	trace := newID(16)
	if a := get(t, "/demo-app/hops", map[string]string{"x-b3-traceid": trace, "x-b3-spanid": newID(8), "x-b3-sampled": "0"}); a.StatusCode != 200 {
		t.Fatalf("%d: %s", a.StatusCode, a.body)
	}
	marker := newID(16) // once a later trace has arrived, the earlier one would have
	get(t, "/demo-app/hops", map[string]string{"x-b3-traceid": marker, "x-b3-spanid": newID(8), "x-b3-sampled": "1"})
	if !eventually(t, func() bool { return len(read(t, marker)) > 0 }) {
		t.Fatal("the sampled trace did not arrive")
	}
	if spans := read(t, trace); len(spans) > 0 {
		t.Errorf("the unsampled trace has %d spans, wanted none", len(spans))
	}
}

// read is the trace as the back end has it; none when it does not know it.
func read(t *testing.T, trace string) []span {
	t.Helper()
	response, err := client.Get(*traces + "/api/v2/trace/" + trace)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusNotFound {
		return nil
	}
	var spans []span
	if err := json.NewDecoder(response.Body).Decode(&spans); err != nil {
		t.Fatalf("reading trace %s: %d, %v", trace, response.StatusCode, err)
	}
	return spans
}
