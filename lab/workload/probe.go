package workload

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/hopline/hopline/lab/overlay"
)

// earlyPeriod is how soon a process is asked again before its first success. The kubelet waits a whole period, seconds, between a process's start and
// its being ready; on a laptop all processes are to be ready within one.
const earlyPeriod = 15 * time.Millisecond

// earlyFraction is by what part of the time that has passed since the start the next question waits at least, so that a process that never gets
// ready is soon asked no more often than its period says.
const earlyFraction = 20

// verdict counts a probe's answers against its thresholds.
type verdict struct {
	known, good bool // what is believed
	last        bool // the answer before
	streak      int  // how often it came in a row
}

// observe takes one answer and reports whether the belief changed.
func (v *verdict) observe(p *overlay.Probe, ok bool) bool {
	if ok != v.last {
		v.last, v.streak = ok, 0
	}
	v.streak++
	threshold := p.Failures
	if ok {
		threshold = p.Successes
	}
	if v.known && ok == v.good || v.streak < threshold {
		return false
	}
	v.known, v.good = true, ok
	return true
}

// prober asks one process over HTTP whether it is well.
type prober struct {
	client *http.Client
	probe  *overlay.Probe
	url    string
}

// run asks until ctx ends or change, which is told of each change of belief, the first included, and why, returns false.
// Before the first success it asks more often, but counts failures once a period, so that thresholds mean what they say.
func (p prober) run(ctx context.Context, change func(good bool, why error) (goOn bool)) {
	if !pause(ctx, p.probe.InitialDelay) {
		return
	}
	var v verdict
	succeeded := false
	begun := time.Now()
	counted := begun
	for ctx.Err() == nil {
		err := p.ask(ctx)
		if ctx.Err() != nil {
			return
		}
		succeeded = succeeded || err == nil
		if err == nil || succeeded || time.Since(counted) >= p.probe.Period {
			counted = time.Now()
			if v.observe(p.probe, err == nil) && !change(v.good, err) {
				return
			}
		}
		wait := p.probe.Period
		if !succeeded {
			wait = min(max(earlyPeriod, time.Since(begun)/earlyFraction), wait)
		}
		if !pause(ctx, wait) {
			return
		}
	}
}

// ask makes one request. As for the kubelet, any status from 200 to 399 is well.
func (p prober) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.probe.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("User-Agent", "kube-probe/hopline")
	response, err := p.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, 10<<10) // the kubelet's bound
	if response.StatusCode < 200 || response.StatusCode >= 400 {
		return fmt.Errorf("GET %s: %s", p.probe.Path, response.Status)
	}
	return nil
}

// newProbeClient is a client as the kubelet's: a connection for each request, no proxy, and redirects not followed, which count as well.
func newProbeClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// pause waits for d or until ctx ends, and reports whether it waited it out.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
