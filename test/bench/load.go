package main

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// pressed is what one round measured.
type pressed struct {
	requests int
	elapsed  time.Duration
	latency  []time.Duration // sorted
	failures int             // no answer, or none that was 200
}

func (l pressed) rate() float64 { return float64(l.requests) / l.elapsed.Seconds() }

// percentile q of sorted times, 0 < q < 1; 0 of none.
func percentile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// target is what is asked: a URL, and the hosts that the requests name in turn; none: the URL's own.
type target struct {
	url   string
	hosts []string
	rate  float64 // requests a second that leave it idle for most of the time, for its latency
}

// press asks one target over so many keep-alive connections, each asking again once answered. It is a closed loop: it finds how
// much a server can do, and says nothing of latency at a rate below that.
func press(t target, connections int, duration time.Duration) (pressed, error) {
	begin := time.Now()
	end := begin.Add(duration)
	return t.load(connections, func(asker *asker) {
		for last := begin; last.Before(end); {
			last = asker.ask(last)
		}
	})
}

// pace asks one target at a rate, over as many connections at most, whether or not the earlier requests have been answered. It is an
// open loop: each request's time counts from the moment that it was due.
func pace(t target, connections int, rate float64, duration time.Duration) (pressed, error) {
	due := make(chan time.Time, connections) // when it is full this side waits, but the moments stay those that were planned
	go func() {
		defer close(due)
		begin := time.Now()
		for i := range int(rate * duration.Seconds()) {
			at := begin.Add(time.Duration(float64(i) / rate * float64(time.Second)))
			for wait := time.Until(at); wait > 0; wait = time.Until(at) {
				sleep(wait)
			}
			due <- at
		}
	}()
	return t.load(connections, func(asker *asker) {
		for at := range due {
			asker.ask(at)
		}
	})
}

// asker is one of a target's clients, with the connection that it asks over.
type asker struct {
	target
	client   *fasthttp.Client
	request  *fasthttp.Request
	response *fasthttp.Response
	next     int // of the hosts
	pressed
	trouble error
}

// ask sends one request, notes how long its answer took since a moment, and returns when it came.
func (a *asker) ask(since time.Time) time.Time {
	if n := len(a.hosts); n > 0 {
		a.request.Header.SetHost(a.hosts[a.next%n])
		a.next += 7919 // a prime: all of them come
	}
	err := a.client.Do(a.request, a.response)
	now := time.Now()
	a.requests++
	a.latency = append(a.latency, now.Sub(since))
	if err == nil && a.response.StatusCode() != 200 {
		err = fmt.Errorf("%s answered %d: %.200s", a.url, a.response.StatusCode(), a.response.Body())
	}
	if err != nil {
		a.failures++
		a.trouble = err
	}
	return now
}

// load has so many askers ask, and puts together what they saw.
func (t target) load(askers int, run func(*asker)) (all pressed, err error) {
	client := &fasthttp.Client{MaxConnsPerHost: askers, ReadTimeout: 5 * time.Second, NoDefaultUserAgentHeader: true}
	defer client.CloseIdleConnections()
	var wg sync.WaitGroup
	begin := time.Now()
	each := make([]asker, askers)
	for i := range each {
		a := &each[i]
		*a = asker{target: t, client: client, request: fasthttp.AcquireRequest(), response: fasthttp.AcquireResponse(), next: i}
		a.request.SetRequestURI(t.url)
		a.request.UseHostHeader = len(t.hosts) > 0
		a.request.Header.Set("Accept", "application/json")
		wg.Go(func() { run(a) })
	}
	wg.Wait()
	all.elapsed = time.Since(begin)
	for i := range each {
		a := &each[i]
		all.requests += a.requests
		all.failures += a.failures
		all.latency = append(all.latency, a.latency...)
		err = cmp.Or(err, a.trouble)
	}
	slices.Sort(all.latency)
	if all.failures > 0 {
		return all, fmt.Errorf("%d of %d requests failed, one: %w", all.failures, all.requests, err)
	}
	return all, nil
}

// ready waits until the first and the last host are answered with 200, for thirty seconds at most.
func (t target) ready(p *process, since time.Time) error {
	request, response := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	request.SetRequestURI(t.url)
	request.UseHostHeader = true
	for _, host := range []string{t.hosts[0], t.hosts[len(t.hosts)-1]} {
		request.Header.SetHost(host)
		if _, err := p.until(since, 30*time.Second, func() bool {
			return fasthttp.DoTimeout(request, response, time.Second) == nil && response.StatusCode() == 200
		}); err != nil {
			return err
		}
	}
	return nil
}

// measure warms a server, presses it, notes what that cost, asks at a rate that it holds easily, and tells how many requests it sent.
func measure(p *process, t target, connections int, duration time.Duration, f *figures) (requests int, err error) {
	warm, err := press(t, connections, duration/3)
	if err != nil {
		return 0, err
	}
	before, err := cpu(p.Process.Pid)
	if err != nil {
		return 0, err
	}
	l, err := press(t, connections, duration)
	if err != nil {
		return 0, err
	}
	after, err := cpu(p.Process.Pid)
	if err != nil {
		return 0, err
	}
	loaded, err := rss(p.Process.Pid)
	if err != nil {
		return 0, err
	}
	f.loaded = append(f.loaded, loaded)
	f.rate = append(f.rate, l.rate())
	f.perRequest = append(f.perRequest, float64((after-before).Microseconds())/float64(l.requests))
	f.p50 = append(f.p50, percentile(l.latency, 0.50))
	f.p99 = append(f.p99, percentile(l.latency, 0.99))
	calm, err := pace(t, connections, t.rate, duration)
	f.calm50 = append(f.calm50, percentile(calm.latency, 0.50))
	f.calm99 = append(f.calm99, percentile(calm.latency, 0.99))
	return warm.requests + l.requests + calm.requests, err
}
