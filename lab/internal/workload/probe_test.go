package workload

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hopline/hopline/lab/overlay"
)

func TestVerdictWaitsForItsThresholds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		results string // + success, - failure
		want    string // the verdict after each; ? unknown
	}{
		{"+", "?"},
		{"++", "?+"},
		{"+-++", "???+"},
		{"---", "??-"},
		{"++--+---", "?+++++" + "+-"},
		{"---+-+++", "??---" + "-++"},
	} {
		var v verdict
		probe := &overlay.Probe{Successes: 2, Failures: 3}
		var got strings.Builder
		for _, a := range c.results {
			v.observe(probe, a == '+')
			switch {
			case !v.known:
				got.WriteByte('?')
			case v.good:
				got.WriteByte('+')
			default:
				got.WriteByte('-')
			}
		}
		if got.String() != c.want {
			t.Errorf("results %s: verdicts %s, want %s", c.results, got.String(), c.want)
		}
	}
}

func TestProbeTakesTheKubeletsStatuses(t *testing.T) {
	t.Parallel()
	for code, well := range map[int]bool{200: true, 204: true, 302: true, 399: true, 400: false, 404: false, 500: false, 503: false} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(code)
		}))
		client := newProbeClient()
		err := prober{client: client, probe: &overlay.Probe{Timeout: 5 * time.Second}, url: server.URL}.once(t.Context())
		if (err == nil) != well {
			t.Errorf("status %d: %v, want success: %t", code, err, well)
		}
		server.Close()
	}
}

// failingServer fails a number of requests before it succeeds.
type failingServer struct{ failures, requests int }

func (a *failingServer) RoundTrip(r *http.Request) (*http.Response, error) {
	a.requests++
	code := http.StatusOK
	if a.requests <= a.failures {
		code = http.StatusServiceUnavailable
	}
	return &http.Response{StatusCode: code, Status: http.StatusText(code), Body: http.NoBody, Request: r}, nil
}

// verdicts probes a server for a minute of synthetic time and returns when each verdict was reached.
func verdicts(t *testing.T, server *failingServer) (good, bad time.Duration) {
	begun := time.Now()
	p := prober{
		client: &http.Client{Transport: server}, url: "http://pod/",
		probe: &overlay.Probe{InitialDelay: time.Second, Period: time.Second, Timeout: time.Second, Successes: 1, Failures: 3},
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	p.run(ctx, func(well bool, _ error) bool {
		if well {
			good = time.Since(begun)
		} else {
			bad = time.Since(begun)
		}
		return true
	})
	return good, bad
}

func TestProbeIsEagerUntilTheFirstSuccess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &failingServer{failures: 10}
		good, bad := verdicts(t, server)
		if good != time.Second+10*earlyPeriod || bad != 0 {
			t.Errorf("well after %v, unwell after %v; want well 10 × %v after the initial delay of 1 s, and never unwell", good, bad, earlyPeriod)
		}
		if server.requests > 10+60 {
			t.Errorf("probed %d times, want once a second after the first success", server.requests)
		}
	})
}

func TestProbeThatNeverSucceedsFailsByThePeriodAndIsAskedLessAndLess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &failingServer{failures: 1 << 30}
		good, bad := verdicts(t, server)
		if good != 0 || bad < 4*time.Second || bad > 4500*time.Millisecond {
			t.Errorf("well after %v, unwell after %v; want never, and 3 periods after the initial delay of 1 s", good, bad)
		}
		if server.requests > 250 {
			t.Errorf("probed %d times in a minute", server.requests)
		}
	})
}
