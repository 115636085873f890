package conformance

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func canonical(name string) string { return http.CanonicalHeaderKey(name) }

// mayFail skips a test that makes core fail where this affects other tests.
func mayFail(t *testing.T, hop string) {
	t.Helper()
	switch {
	case hop != "core":
	case *overlay == "outlier":
		skip(t, "in the overlay outlier the mesh leaves out pods of core that fail")
	case *overlay == "retry":
		skip(t, "in the overlay retry one such call is 125 for core, with pauses")
	}
}

// reset returns a proxy's text for a process that closes the connection each time. In the lab the proxy that retries sees it. With Istio
// the callee's own sidecar does, and the caller's passes on the last response.
func reset() string {
	if engine, _ := atHand(); engine == lab && *overlay == "retry" {
		return "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: connection termination"
	}
	return "upstream connect error or disconnect/reset before headers. reset reason: connection termination"
}

// TestHeaderFaults: a fault requested by header applies to the hop that it names, and is reported; the hop that an invalid header applies
// to rejects it. A hop passes on its upstream's response below its own line.
func TestHeaderFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		hop           string // the hop that fails, or empty
		header, value string
		code          int
		injected      string
		body          string // its end
	}{
		{"front", "fail", "1", 500, "front error", ""},
		{"front", "x-fault-front", "error=100", 500, "front error", "Internal Server Error\n"},
		{"middle", "x-fault-middle", "error=100,drop=0", 500, "middle error", "http://middle/hops\nInternal Server Error\n"},
		{"core", "x-fault-core", "error=100", 500, "core error", "http://core/hops\nInternal Server Error\n"},
		{"", "x-fault-middle", "latency=20ms", 200, "middle latency", "\n"},
		{"", "x-fault-nobody", "error=100", 200, "", "\n"},
		{"core", "x-fault-core", "drop=100", 503, "", reset()},
		{"", "fail", "abc", 400, "", "fail: want a number from 0 to 1, got \"abc\"\n"},
		{"", "fail", "1.5", 400, "", "fail: want a number from 0 to 1, got \"1.5\"\n"},
		{"", "x-fault-front", "error=101", 400, "", "x-fault-front: want error=a number from 0 to 100, got \"error=101\"\n"},
		{"", "x-fault-middle", "latency=soon", 400, "", "x-fault-middle: want latency=a duration such as 250ms or a range such as 100ms-2s, got \"latency=soon\"\n"},
		{"", "x-fault-core", "sleep=1s", 400, "", "x-fault-core: want a list such as error=50,latency=200ms,drop=5, got \"sleep=1s\"\n"},
	} {
		t.Run(c.header+"="+c.value, func(t *testing.T) {
			t.Parallel()
			mayFail(t, c.hop)
			if c.code == 503 && *overlay == "plain" {
				c.code, c.body = 502, "" // no proxy adds its text
			}
			a, err := once("GET", page("/hops"), headers{c.header: c.value, "x-dev-user": "stressTest"}, "")
			if err != nil {
				t.Fatal(err)
			}
			if a.StatusCode != c.code || !strings.HasSuffix(a.body, c.body) {
				t.Errorf("%d, wanted %d and a body that ends with %q: %q", a.StatusCode, c.code, c.body, a.body)
			}
			if got := a.Header.Get("x-fault-injected"); got != c.injected {
				t.Errorf("x-fault-injected %q, wanted %q", got, c.injected)
			}
			if c.header == "fail" && c.code == 500 && a.body != "" {
				t.Errorf("body %q, wanted an empty one", a.body)
			}
		})
	}
}

// TestLatencyIsAdded: a delay takes at least the requested time.
func TestLatencyIsAdded(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	get(t, page("/hello"), headers{"x-fault-front": "latency=300ms"})
	if took := time.Since(begun); took < 300*time.Millisecond {
		t.Errorf("took %v, wanted at least 300ms", took)
	}
}

// TestDrop: a connection closed without a response is an end of file for the caller; a proxy in between responds with its own text.
func TestDrop(t *testing.T) {
	t.Parallel()
	a, err := once("GET", page("/hello"), headers{"x-fault-front": "drop=100"}, "")
	if *overlay == "plain" {
		if err == nil {
			t.Errorf("%d %s, wanted no response", a.StatusCode, a.body)
		}
		return
	}
	if err != nil || a.StatusCode != 503 || a.body != reset() {
		t.Errorf("%v, %d %q, wanted 503 %q", err, a.StatusCode, a.body, reset())
	}
}

// TestFailRate: with fail: 0.5 each hop that a call reaches fails half of the time, independently.
func TestFailRate(t *testing.T) {
	t.Parallel()
	mayFail(t, "core")
	last := "clock error"
	if wanted("stressTest").time == outside {
		last = "worldtimeapi error"
	}
	counts := tally(t, *samples, func(int) (string, error) {
		a, err := once("GET", page("/hops"), headers{"fail": "0.5", "x-dev-user": "stressTest", "x-b3-sampled": "0"}, "")
		if err != nil {
			return "", err
		}
		return or(a.Header.Get("x-fault-injected"), fmt.Sprint(a.StatusCode)), nil
	})
	fits(t, "fail: 0.5", counts, shares{"front error": 0.5, "middle error": 0.25, "core error": 0.125, last: 0.0625, "200": 0.0625})
}

// TestFailRateRetried: with four retries of every failure, the caller sees only five failures in a row.
func TestFailRateRetried(t *testing.T) {
	t.Parallel()
	overlaid(t, "retry")
	counts := tally(t, *samples, func(int) (string, error) {
		a, err := once("GET", page("/hello"), headers{"fail": "0.5", "x-b3-sampled": "0"}, "")
		return fmt.Sprint(a.StatusCode), err
	})
	fits(t, "fail: 0.5", counts, shares{"500": 1. / 32, "200": 31. / 32})
}

// TestHealthIsSpared: no fault ever applies to /health.
func TestHealthIsSpared(t *testing.T) {
	t.Parallel()
	meshed(t)
	for range certain { // bounced fails seven of ten requests anyway
		if a := get(t, "/health", headers{"Host": bouncedHost, "fail": "1", "x-b3-sampled": "0"}); a.StatusCode != 200 || strings.TrimSpace(a.body) != "Status OK" {
			t.Fatalf("%d %q, wanted 200 Status OK", a.StatusCode, a.body)
		}
	}
}

// TestErrorTexts: every error response has the reason.
func TestErrorTexts(t *testing.T) {
	t.Parallel()
	a := get(t, page("/nowhere"), nil)
	if a.StatusCode != 404 || a.body == "" {
		t.Errorf("a path that front does not know: %d %q, wanted its own 404, with a word", a.StatusCode, a.body)
	}
	meshed(t)
	a = call(t, "DELETE", "/x", headers{"Host": minimalHost}, "")
	if a.StatusCode != 405 || a.Header.Get("Allow") != "GET, HEAD, POST" && a.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("DELETE: %d with Allow %q, wanted 405 and the methods", a.StatusCode, a.Header.Get("Allow"))
	}
}
