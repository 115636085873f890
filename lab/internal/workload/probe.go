package workload

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/hopline/hopline/lab/internal/child"
	"github.com/hopline/hopline/lab/overlay"
)

// earlyPeriod is the first interval between probes before the first success. The kubelet waits a whole period (seconds) between a process's
// start and its being ready; on a laptop all processes should be ready within one second.
const earlyPeriod = 15 * time.Millisecond

// earlyExec is the first interval of a probe that runs a command: each starts a process.
const earlyExec = 200 * time.Millisecond

// earlyFraction limits how often a process is probed before its first success: the interval is at least the time since its start divided by
// earlyFraction. A process that never becomes ready is soon probed no more often than its period.
const earlyFraction = 20

// verdict counts a probe's results against its thresholds.
type verdict struct {
	known, good bool // the current verdict, if known
	last        bool // the last result
	streak      int  // how many times in a row it was the same
}

// observe adds one result and reports whether the verdict changed.
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

// prober checks one process.
type prober struct {
	probe *overlay.Probe

	client   *http.Client  // of an HTTP probe
	url      string        //
	address  string        // of a TCP probe
	command  child.Command // of an exec probe
	children *child.Group  //
}

// run probes until ctx ends or change returns false. It calls change for each change of the verdict, including the first, with the last
// error. Before the first success it probes more often than the period, but counts at most one failure per period, so that thresholds keep
// their meaning.
func (p prober) run(ctx context.Context, change func(good bool, why error) (goOn bool)) {
	if !pause(ctx, p.probe.InitialDelay) {
		return
	}
	var v verdict
	succeeded := false
	begun, early := time.Now(), earlyPeriod
	if p.probe.Exec != nil {
		early = earlyExec
	}
	counted := begun
	for ctx.Err() == nil {
		err := p.once(ctx)
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
			wait = min(max(early, time.Since(begun)/earlyFraction), wait)
		}
		if !pause(ctx, wait) {
			return
		}
	}
}

// once probes once, within the probe's timeout.
func (p prober) once(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.probe.Timeout)
	defer cancel()
	switch {
	case p.probe.Exec != nil:
		return p.execute(ctx)
	case p.probe.TCP:
		return p.connect(ctx)
	}
	return p.get(ctx)
}

// connect opens a connection and closes it. No process has to read from it.
func (p prober) connect(ctx context.Context) error {
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", p.address)
	if err != nil {
		return fmt.Errorf("nothing listens for port %s: %w", p.probe.Port, err)
	}
	return connection.Close()
}

// execute runs a command, which succeeds with exit code 0. Of its output only the last line is kept, for the error. When ctx ends the command
// is killed.
func (p prober) execute(ctx context.Context) error {
	last := ""
	c := p.command
	c.Line = func(text string) { last = text }
	proc, err := p.children.Start(c)
	if err != nil {
		return err
	}
	select {
	case <-proc.Done:
	case <-ctx.Done():
		proc.Kill()
		<-proc.Done
		return fmt.Errorf("%s: did not end within %s", p.probe.Exec[0], p.probe.Timeout)
	}
	switch {
	case proc.Err == nil:
		return nil
	case last == "":
		return fmt.Errorf("%s: %s", p.probe.Exec[0], proc.Ending())
	}
	return fmt.Errorf("%s: %s: %s", p.probe.Exec[0], proc.Ending(), last)
}

// get sends one request. As for the kubelet, any status from 200 to 399 is a success.
func (p prober) get(ctx context.Context) error {
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

// newProbeClient returns a client that behaves as the kubelet's: one connection per request and no proxy. It does not follow redirects;
// they count as success.
func newProbeClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// pause waits for d or until ctx ends, and reports whether d has passed.
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
