package load

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// Time bounds: how long after the planned end late requests may still be sent, and how long responses may take when the run is ended early.
const (
	sendGrace = 10 * time.Second
	grace     = 2 * time.Second

	checkInterval = 20 * time.Millisecond // interval of the check whether requests are still in flight
)

// maxBody is how many bytes of a response's body are kept to read its hops; the rest is read and discarded.
const maxBody = 256 << 10

// running is one run of a plan.
type running struct {
	*Command
	plan        *plan
	target      *target
	rec         *recorder
	header      http.Header
	cut         func()        // ends the requests in flight
	early       time.Duration // when the user ended it; 0 if not
	interrupted int           // requests that were cut off by that
	over        atomic.Int64  // when it ended, nanoseconds from its start; 0 before
}

// prepare returns a run of the command, which send begins. The caller calls close after the run.
func (c *Command) prepare(expected *expectation) (*running, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, err
	}
	header, problem := headers(c.Header)
	if problem != nil {
		return nil, problem
	}
	inFlight, cut := context.WithCancel(context.Background())
	r := &running{Command: c, plan: newPlan(c.Rate, c.Ramp, c.Duration, c.Requests, sendGrace), header: header, cut: cut}
	r.rec = newRecorder(r.plan, expected)
	r.target = newTarget(inFlight, u.Host, c.KeepAlive, c.MaxInFlight)
	r.target.sending = func() { r.rec.sent(time.Since(r.plan.start())) }
	return r, nil
}

// close closes the connections that the run still holds.
func (r *running) close() {
	r.cut()
	r.target.close()
}

// send sends the load until the plan or ctx ends.
func (r *running) send(ctx context.Context) {
	attacker := vegeta.NewAttacker(
		vegeta.Client(r.target.client(r.Timeout)),
		vegeta.Workers(min(10, uint64(r.MaxInFlight))), // vegeta starts more when needed
		vegeta.MaxWorkers(uint64(r.MaxInFlight)),
		vegeta.MaxBody(maxBody),
	)
	request := vegeta.Target{Method: r.Method, URL: r.URL, Body: []byte(r.Data), Header: r.header}
	results := attacker.Attack(vegeta.NewStaticTargeter(request), r.plan, 0, "")
	r.collect(ctx, attacker, results)
	go drain(results)
}

// attack sends the load, shows the progress, and returns the report.
func (c *Command) attack(ctx context.Context, out Output, expected *expectation) (*Report, error) {
	r, err := c.prepare(expected)
	if err != nil {
		return nil, err
	}
	defer r.close()
	progress := startProgress(out.Progress, c, r.plan, r.target, r.rec)
	r.send(ctx)
	progress.stop()
	return r.summary(), nil
}

// collect records results until there are no more. When ctx ends before, no more requests are sent, and those in flight have the grace
// period to end.
func (r *running) collect(ctx context.Context, attacker *vegeta.Attacker, results <-chan *vegeta.Result) {
	var (
		interrupt = ctx.Done()
		end, look <-chan time.Time
		quiet     int // consecutive checks at which nothing was in flight
	)
	for done := false; !done; {
		select {
		case result, more := <-results:
			switch {
			case !more:
				done = true
			case strings.HasSuffix(result.Error, errInterrupted.Error()):
				r.interrupted++
			default:
				r.rec.add(r.outcome(result))
			}
			quiet = 0
		case <-interrupt:
			interrupt = nil
			r.early = max(time.Since(r.plan.start()), 1)
			attacker.Stop()
			end, look = time.After(grace), time.Tick(checkInterval)
		case <-end:
			r.cut()
		case <-look:
			// Vegeta may sleep until its next request is due; there is no need to wait for that.
			if quiet++; r.target.inFlight.Load() > 0 {
				quiet = 0
			}
			done = quiet >= 3
		}
	}
}

// drain reads the remaining results, so that vegeta's workers end.
func drain(results <-chan *vegeta.Result) {
	for range results {
	}
}

// outcome converts vegeta's result. A request's latency counts from the moment when the plan has it due, not from when vegeta sent it.
func (r *running) outcome(result *vegeta.Result) outcome {
	due := r.plan.due(result.Seq)
	late := max(0, result.Timestamp.Sub(r.plan.start())-due)
	o := outcome{due: due, late: late, service: result.Latency, latency: late + result.Latency, code: int(result.Code)}
	if result.Code == 0 {
		o.failure = reason(result.Error, r.Timeout)
		return o
	}
	o.hops, o.trace = readHops(result.Headers, result.Body)
	if result.Code >= 300 && result.Code < 400 {
		if to, err := url.Parse(result.Headers.Get("Location")); err == nil && to.Host != "" && to.Host != r.target.host {
			o.elsewhere = true
		}
	}
	return o
}

// summary returns the report. It first counts the requests that were due and never sent: they waited, too.
func (r *running) summary() *Report {
	p, rec := r.plan, r.rec
	sent := rec.service.Count() + uint64(r.interrupted)
	due := uint64(p.requests)
	span := p.span()
	if r.early > 0 {
		// Requests that became due in the last moment are dropped, like those in flight. Requests that were already late count as never
		// sent.
		due = min(due, max(sent, uint64(p.sent(max(0, r.early-lateness)))+1))
		span = min(span, r.early)
	}
	end := max(time.Since(p.start()), span)
	for n := sent; n < due; n++ {
		rec.addUnsent(p.due(n), end-p.due(n))
	}
	for n := range due {
		rec.asked(p.due(n))
	}
	report := newReport(r.Command, rec)
	report.Sent, report.Planned, report.Interrupted = sent, due, r.interrupted
	report.Early = r.early > 0
	report.Seconds = span.Seconds()
	report.AskedRate = float64(due) / span.Seconds()
	report.HeldRate = float64(sent) / max(span, rec.lastSent).Seconds()
	for _, text := range r.FailIf {
		if f, err := parseCondition(text); err == nil { // checked by Validate
			report.FailIf = append(report.FailIf, f.check(rec, report.HeldRate))
		}
	}
	return report
}

// span returns how long the plan takes: until one more request would be due.
func (p *plan) span() time.Duration {
	return max(time.Millisecond, min(p.duration, p.due(uint64(p.requests))))
}
