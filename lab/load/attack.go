package load

import (
	"context"
	"net/url"
	"strings"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// Bounds in time: how long after the planned end late requests may still be sent, and how long answers may take when the run is
// ended early.
const (
	patience = 10 * time.Second
	grace    = 2 * time.Second

	lookEvery = 20 * time.Millisecond // whether anything is in flight still
)

// maxBody is how much of an answer's body is kept while its hops are read; the rest is read and thrown away.
const maxBody = 256 << 10

// attack carries the plan out and sums up.
func (c *Command) attack(ctx context.Context, out Output, expected *expectation) (*Report, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, err
	}
	header, err := headers(c.Header)
	if err != nil {
		return nil, err
	}
	cut, cutShort := context.WithCancel(context.WithoutCancel(ctx)) // ends what is in flight
	defer cutShort()
	p := newPlan(c.Rate, c.Ramp, c.Duration, c.Requests, patience)
	t := newTarget(cut, u.Host, c.KeepAlive, c.MaxInFlight)
	defer t.close()
	rec := newRecorder(p, expected)

	attacker := vegeta.NewAttacker(
		vegeta.Client(t.client(c.Timeout)),
		vegeta.Workers(min(10, uint64(c.MaxInFlight))), // more are started when they are needed
		vegeta.MaxWorkers(uint64(c.MaxInFlight)),
		vegeta.MaxBody(maxBody),
	)
	request := vegeta.Target{Method: c.Method, URL: c.URL, Body: []byte(c.Data), Header: header}
	progress := startProgress(out, c, p, t, rec)
	results := attacker.Attack(vegeta.NewStaticTargeter(request), p, 0, "")

	var (
		early       time.Duration // when the user ended the run, 0 if not
		end         <-chan time.Time
		look        <-chan time.Time
		quiet       int // looks in a row at which nothing was in flight
		interrupt   = ctx.Done()
		interrupted int
	)
	for done := false; !done; {
		select {
		case r, more := <-results:
			switch {
			case !more:
				done = true
			case strings.HasSuffix(r.Error, errInterrupted.Error()):
				interrupted++
			default:
				rec.add(c.outcome(r, p, t.host))
			}
			quiet = 0
		case <-interrupt:
			interrupt = nil
			early = max(time.Since(p.start()), 1)
			attacker.Stop()
			end, look = time.After(grace), time.Tick(lookEvery)
		case <-end:
			cutShort()
		case <-look:
			// Vegeta may sleep until its next request would be due, which nobody needs to wait for.
			if quiet++; t.inFlight.Load() > 0 {
				quiet = 0
			}
			done = quiet >= 3
		}
	}
	go drain(results)
	progress.stop()
	return c.summary(p, rec, early, interrupted), nil
}

// drain lets vegeta's workers end.
func drain(results <-chan *vegeta.Result) {
	for range results {
	}
}

// outcome makes an outcome of vegeta's result. The moment from which a request's latency counts is not when vegeta sent it but when
// the plan has it due.
func (c *Command) outcome(r *vegeta.Result, p *plan, host string) outcome {
	due := p.due(r.Seq)
	late := max(0, r.Timestamp.Sub(p.start())-due)
	o := outcome{due: due, late: late, service: r.Latency, latency: late + r.Latency, code: int(r.Code)}
	if r.Code == 0 {
		o.failure = reason(r.Error, c.Timeout)
		return o
	}
	o.hops, o.trace = readHops(r.Headers, r.Body)
	if r.Code >= 300 && r.Code < 400 {
		if to, err := url.Parse(r.Headers.Get("Location")); err == nil && to.Host != "" && to.Host != host {
			o.elsewhere = true
		}
	}
	return o
}

// summary makes the report. Requests that were due and never sent are counted first: they waited, too.
func (c *Command) summary(p *plan, rec *recorder, early time.Duration, interrupted int) *Report {
	sent := rec.service.n + uint64(interrupted)
	due := uint64(p.requests)
	span := p.span()
	if early > 0 {
		due = min(due, uint64(p.sent(early))+1)
		span = min(span, early)
	}
	end := max(time.Since(p.start()), span)
	for n := sent; n < due; n++ {
		rec.addUnsent(p.due(n), end-p.due(n))
	}
	for n := range due {
		rec.interval(p.due(n)).asked++
	}
	r := newReport(c, p, rec)
	r.Sent, r.Planned, r.Interrupted = sent, due, interrupted
	r.Early = early > 0
	r.Seconds = span.Seconds()
	r.AskedRate = float64(due) / span.Seconds()
	r.HeldRate = float64(sent) / max(span, rec.lastSent).Seconds()
	for _, text := range c.FailIf {
		if f, err := parseCondition(text); err == nil { // Validate has seen to it
			r.FailIf = append(r.FailIf, f.check(rec, r.HeldRate))
		}
	}
	return r
}

// span is how long the plan takes: to the moment when one more request would be due.
func (p *plan) span() time.Duration {
	return max(time.Millisecond, min(p.duration, p.due(uint64(p.requests))))
}
