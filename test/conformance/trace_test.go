package conformance

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func newID(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// TestB3In: a caller's trace is continued in every form of B3, and an invalid one starts a new trace without an error.
func TestB3In(t *testing.T) {
	t.Parallel()
	trace, short, caller := newID(16), newID(8), newID(8)
	for _, c := range []struct {
		name string
		in   headers
		want string // the trace, or empty for a new one
	}{
		{"several headers", headers{"x-b3-traceid": trace, "x-b3-spanid": caller, "x-b3-sampled": "1"}, trace},
		{"one header", headers{"b3": trace + "-" + caller + "-1"}, trace},
		{"64 bits", headers{"x-b3-traceid": short, "x-b3-spanid": caller, "x-b3-sampled": "1"}, strings.Repeat("0", 16) + short},
		{"without a decision", headers{"x-b3-traceid": trace, "x-b3-spanid": caller}, trace},
		{"not sampled", headers{"x-b3-traceid": trace, "x-b3-spanid": caller, "x-b3-sampled": "0"}, trace},
		{"not sampled, no ids", headers{"x-b3-sampled": "0"}, ""},
		{"one header that says no", headers{"b3": "0"}, ""},
		{"malformed", headers{"x-b3-traceid": "zzz", "x-b3-spanid": caller, "x-b3-sampled": "1"}, ""},
		{"malformed, one header", headers{"b3": "zzz"}, ""},
		{"nothing but zeros", headers{"x-b3-traceid": strings.Repeat("0", 32), "x-b3-spanid": caller, "x-b3-sampled": "1"}, ""},
		{"none", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := get(t, page("/hops"), c.in)
			got := a.Header.Get("x-b3-traceid")
			if a.StatusCode != 200 || !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(got) || strings.Trim(got, "0") == "" {
				t.Errorf("%d with trace %q, wanted 200 and a valid trace", a.StatusCode, got)
			}
			if c.want != "" && got != c.want {
				t.Errorf("the response's trace is %q, wanted %q", got, c.want)
			}
		})
	}
}

// span holds the fields of Zipkin's v2 span that the suite reads.
type span struct {
	ID            string `json:"id"`
	ParentID      string `json:"parentId"`
	Name          string `json:"name"`
	Kind          string `json:"kind"`
	LocalEndpoint struct {
		ServiceName string `json:"serviceName"`
	} `json:"localEndpoint"`
	Tags map[string]string `json:"tags"`
}

// readsTraces skips what reads traces if no back end is given.
func readsTraces(t *testing.T) {
	t.Helper()
	if *traces == "" {
		skip(t, "no TRACES given: traces are not read back")
	}
}

// read returns the trace as the back end has it, or nil if it has none.
func read(trace string) ([]span, error) {
	a, err := look(*traces+"/api/v2/trace/"+trace, nil)
	if err != nil || a.StatusCode == 404 {
		return nil, err
	}
	return decode[[]span](a)
}

// traced sends a request in a new trace, and waits until the trace is complete: it has spans of all these, each written as "service KIND
// name", and each has its parent among the others, or the caller's span as parent. A proxy's span has its own name, written as *.
//
// Envoy sends a batch of spans once. A batch that the back end does not accept within 5 s is lost. So on a cluster, where only spans of
// proxies are missing, another request is sent, at most three in all. Spans of services, and all spans in the lab, must arrive.
func traced(t *testing.T, send func(trace, caller string), want ...string) (spans []span) {
	t.Helper()
	engine, err := atHand()
	if err != nil {
		t.Fatal(err)
	}
	attempts := 3
	if engine == lab {
		attempts = 1
	}
	for attempt := 1; ; attempt++ {
		trace, caller := newID(16), newID(8)
		send(trace, caller)
		spans, missing := arrived(t, trace, caller, want)
		if len(missing) == 0 {
			return spans
		}
		if attempt == attempts || !onlyProxies(missing) {
			t.Fatalf("trace %s has %d spans, and lacks %q: %+v", trace, len(spans), missing, spans)
		}
	}
}

// arrived waits until a trace is complete, and returns it with what is missing at the end.
func arrived(t *testing.T, trace, caller string, want []string) (spans []span, missing []string) {
	t.Helper()
	eventually(arrival, func() bool {
		var err error
		if spans, err = read(trace); err != nil {
			t.Fatal(err)
		}
		missing = lacks(spans, caller, want)
		return len(missing) == 0
	})
	return spans, missing
}

// onlyProxies reports whether only spans of proxies are missing, and the parents that they are.
func onlyProxies(missing []string) bool {
	return !slices.ContainsFunc(missing, func(m string) bool { return !strings.HasSuffix(m, " *") && !strings.HasPrefix(m, "the parent ") })
}

func lacks(spans []span, caller string, want []string) (missing []string) {
	got, ids := map[string]bool{}, map[string]bool{caller: true}
	for _, s := range spans {
		name := strings.ToLower(s.Name) // Zipkin stores it so
		if s.Tags["component"] == "proxy" {
			name = "*"
		}
		got[s.LocalEndpoint.ServiceName+" "+or(s.Kind, "-")+" "+name] = true
		ids[s.ID] = true
	}
	for _, w := range want {
		if !got[w] {
			missing = append(missing, w)
		}
	}
	for _, s := range spans {
		if !ids[s.ParentID] {
			missing = append(missing, fmt.Sprintf("the parent %q of %s of %s", s.ParentID, s.Name, s.LocalEndpoint.ServiceName))
		}
	}
	return missing
}

// TestTraces: a trace arrives completely: one tree from the caller's span down to the last hop, each span with its expected name.
func TestTraces(t *testing.T) {
	t.Parallel()
	readsTraces(t)
	for path, want := range map[string][]string{
		"/hops": {
			"front SERVER get /hops", "front CLIENT get middle", "middle SERVER get /hops", "middle CLIENT get core", "core SERVER get /hops",
			"core CLIENT get " + wanted("stressTest").time,
		},
		"/fast-page": {
			"front SERVER get /fast-page", "front CLIENT get middle", "middle SERVER get /fast-endpoint", "middle CLIENT get core", "core SERVER get /fast-endpoint",
		},
		"/slow-page": {
			"front SERVER get /slow-page", "front - slow-page-custom-span", "front CLIENT get middle", "middle SERVER get /slow-endpoint", "middle CLIENT get core",
		},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			send := func(trace, caller string) {
				get(t, page(path), headers{"x-dev-user": "stressTest", "b3": trace + "-" + caller + "-1"})
			}
			if code, _ := slowPage(); path == "/slow-page" && code != 403 {
				want = append(want, "core SERVER get /slow-endpoint", "core - data_transformation")
			}
			if path == "/hops" && wanted("stressTest").time == clock {
				want = append(want, "clock SERVER get /time")
			}
			if *overlay != "plain" {
				want = append(want, "istio-ingressgateway CLIENT *", "front CLIENT *", "middle CLIENT *")
			}
			for _, s := range traced(t, send, want...) {
				if _, route, served := strings.Cut(s.Name, " "); served && s.Kind == "SERVER" && s.Tags["component"] != "proxy" && s.Tags["http.route"] != route {
					t.Errorf("span %q of %s has http.route %q", s.Name, s.LocalEndpoint.ServiceName, s.Tags["http.route"])
				}
			}
		})
	}
}

// TestTraceOfFault: an injected error marks the spans above it as errors, and its own as injected.
func TestTraceOfFault(t *testing.T) {
	t.Parallel()
	readsTraces(t)
	send := func(trace, caller string) {
		if a := get(t, page("/hops"), headers{"x-fault-middle": "error=100", "b3": trace + "-" + caller + "-1"}); a.StatusCode != 500 {
			t.Fatalf("%d, wanted 500: %s", a.StatusCode, a.body)
		}
	}
	for _, s := range traced(t, send, "front SERVER get /hops", "front CLIENT get middle", "middle SERVER get /hops") {
		if _, failed := s.Tags["error"]; !failed {
			t.Errorf("span %s of %s is not marked as an error: %v", s.Name, s.LocalEndpoint.ServiceName, s.Tags)
		}
		injected := s.LocalEndpoint.ServiceName == "middle" && s.Tags["http.route"] != ""
		if got := s.Tags["fault.injected"]; (got == "error") != injected {
			t.Errorf("span %s of %s: fault.injected is %q", s.Name, s.LocalEndpoint.ServiceName, got)
		}
	}
}

// TestSampling: all hops follow a caller's "not sampled", so that nothing of the trace is kept; for ids without a decision they decide
// here.
func TestSampling(t *testing.T) {
	t.Parallel()
	readsTraces(t)
	several, single, caller := newID(16), newID(16), newID(8)
	get(t, page("/hops"), headers{"x-b3-traceid": several, "x-b3-spanid": caller, "x-b3-sampled": "0"})
	get(t, page("/hops"), headers{"b3": single + "-" + caller + "-0"})
	undecided := func(trace, caller string) {
		get(t, page("/hops"), headers{"x-b3-traceid": trace, "x-b3-spanid": caller})
	}
	traced(t, undecided, "front SERVER get /hops", "middle SERVER get /hops", "core SERVER get /hops") // the earlier ones would have arrived too
	for _, trace := range []string{several, single} {
		if spans, err := read(trace); err != nil || len(spans) > 0 {
			t.Errorf("the unsampled trace %s has %d spans (%v), wanted none", trace, len(spans), err)
		}
	}
}
