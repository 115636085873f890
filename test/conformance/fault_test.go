package conformance

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const (
	delay  = 490 * time.Millisecond // of each of betaUser's requests to middle, in the overlay fault: 0.5 s, less what Envoy's timers are inexact by
	aborts = 0.5                    // the share of them that is aborted
)

// aborted reports whether a rule has aborted a request.
func aborted(a answer) bool {
	return a.StatusCode == 503 && strings.Contains(a.body, "fault filter abort")
}

// TestFault: the rule for betaUser delays each request, and aborts half of them. Requests of other users are neither delayed nor aborted.
func TestFault(t *testing.T) {
	t.Parallel()
	overlaid(t, "fault")
	ask := func(user string) (took time.Duration, a answer, err error) {
		begun := time.Now()
		a, err = once("GET", page("/hops"), headers{"x-dev-user": user, "x-b3-sampled": "0"}, "")
		return time.Since(begun), a, err
	}
	counts := tallyOf(t, *samples, 64, func(int) (string, error) {
		took, a, err := ask("betaUser")
		switch {
		case err != nil:
			return "", err
		case took < delay:
			return "", fmt.Errorf("%d after %v, wanted at least %v", a.StatusCode, took, delay)
		case aborted(a):
			return "aborted", nil
		}
		return fmt.Sprint(a.StatusCode), nil
	})
	fits(t, "betaUser", counts, shares{"aborted": aborts, "200": 1 - aborts})
	var fast atomic.Int64
	counts = tally(t, certain, func(int) (string, error) {
		took, a, err := ask("nobody")
		if took < delay {
			fast.Add(1)
		}
		return fmt.Sprint(a.StatusCode), err
	})
	fits(t, "other users", counts, all("200"))
	if fast.Load() == 0 { // a busy machine delays some of them too
		t.Errorf("all %d requests of other users took longer than %v", certain, delay)
	}
}
