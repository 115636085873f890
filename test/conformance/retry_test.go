package conformance

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// bouncedErrors is the share of errors in bounced's responses.
const bouncedErrors = 0.7

// TestRetry: outside of the overlay retry the caller sees all of bounced's errors, because a plain 500 is not retried by default. In it the
// ingress tries up to eleven times. The echo shows the number of the successful try, which has the expected distribution.
func TestRetry(t *testing.T) {
	t.Parallel()
	meshed(t)
	counts := tally(t, *samples, func(int) (string, error) {
		a, err := try("GET", "/", headers{"Host": bouncedHost, "x-b3-sampled": "0"}, "")
		if err != nil {
			return "", err
		}
		if a.StatusCode != 200 {
			return fmt.Sprint(a.StatusCode), nil
		}
		echo, err := decode[bounced](a)
		return "try " + echo.Headers["X-Envoy-Attempt-Count"], err
	})
	want, tries := shares{}, 1
	if *overlay == "retry" {
		tries = 1 + 10
	}
	for try := range tries {
		want[fmt.Sprintf("try %d", 1+try)] = (1 - bouncedErrors) * math.Pow(bouncedErrors, float64(try))
	}
	want["500"] = math.Pow(bouncedErrors, float64(tries))
	fits(t, "bounced at 70 per cent errors", counts, want)
}

// TestRetryInside: from inside the mesh there are twenty retries, so that one call in 1,800 fails; in other overlays 70 of a hundred do.
func TestRetryInside(t *testing.T) {
	t.Parallel()
	meshed(t)
	counts := tally(t, *samples, func(int) (string, error) {
		b, err := bounce("http://bounced:9090", headers{"x-b3-sampled": "0"})
		return fmt.Sprint(b.StatusCode), err
	})
	if *overlay != "retry" {
		fits(t, "bounced from inside", counts, shares{"500": bouncedErrors, "200": 1 - bouncedErrors})
		return
	}
	failed := *samples - counts["200"]
	expected := math.Pow(bouncedErrors, 1+20) * float64(*samples)
	if p := (distuv.Poisson{Lambda: expected}).Survival(float64(failed) - 1); p < alpha { // too few are expected for χ²
		t.Errorf("%v, wanted about %.1f failures: p = %.2g", counts, expected, p)
	}
}

// TestRetryChain: with retries at every hop a call succeeds although half of middle's or half of core's responses are errors. TestRetry and
// TestFailRate check that none of these is hidden without retries.
func TestRetryChain(t *testing.T) {
	t.Parallel()
	overlaid(t, "retry")
	for _, hop := range []string{"middle", "core"} { // five tries for each of five tries for …
		t.Run(hop, func(t *testing.T) {
			t.Parallel()
			fits(t, "half of "+hop+"'s responses fail", tally(t, certain, func(int) (string, error) {
				a, err := once("GET", page("/hops"), headers{"x-fault-" + hop: "error=50", "x-dev-user": "stressTest", "x-b3-sampled": "0"}, "")
				if err != nil {
					return "", err
				}
				return fmt.Sprint(a.StatusCode), nil
			}), all("200"))
		})
	}
}
