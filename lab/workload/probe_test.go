package workload

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hopline/hopline/lab/overlay"
)

func TestVerdictWaitsForItsThresholds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		answers string // + well, - not
		want    string // the belief after each; ? unknown
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
		for _, a := range c.answers {
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
			t.Errorf("answers %s: beliefs %s, want %s", c.answers, got.String(), c.want)
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
		err := prober{client: client, probe: &overlay.Probe{Timeout: 5 * time.Second}, url: server.URL}.ask(t.Context())
		if (err == nil) != well {
			t.Errorf("status %d: %v, want well: %t", code, err, well)
		}
		server.Close()
	}
}

// answers is a server of so many failures before it is well.
type answers struct{ failures int }

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	code := http.StatusOK
	if a.failures > 0 {
		a.failures--
		code = http.StatusServiceUnavailable
	}
	return &http.Response{StatusCode: code, Status: http.StatusText(code), Body: http.NoBody, Request: r}, nil
}

func TestProbeIsEagerUntilTheFirstSuccessButCountsByThePeriod(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		type change struct {
			After time.Duration
			Good  bool
		}
		var got []change
		begun := time.Now()
		p := prober{
			client: &http.Client{Transport: &answers{failures: 300}}, url: "http://pod/",
			probe: &overlay.Probe{InitialDelay: time.Second, Period: time.Second, Timeout: time.Second, Successes: 1, Failures: 3},
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		p.run(ctx, func(good bool, _ error) bool {
			got = append(got, change{time.Since(begun).Round(100 * time.Millisecond), good})
			return true
		})
		want := []change{{4 * time.Second, false}, {5500 * time.Millisecond, true}} // 1 s + 3 periods; 1 s + 300 · 15 ms
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
	})
}
