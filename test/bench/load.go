package main

import (
	"time"

	"github.com/valyala/fasthttp"
)

// pressed holds the result of one round.
type pressed struct {
	requests int
	elapsed  time.Duration
	latency  []time.Duration // sorted
	failures int             // no response, or none with 200
}

func (l pressed) rate() float64 { return float64(l.requests) / l.elapsed.Seconds() }

// percentile returns percentile q of sorted times, 0 < q < 1; 0 if there are none.
func percentile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// target is where requests go: a URL, and the hosts that the requests name in turn; without hosts, the URL's own.
type target struct {
	url   string
	hosts []string
	rate  float64 // requests a second that leave it idle most of the time, for its latency
}

// schedule sets when requests are sent: at a rate, or, if it is 0, whenever a connection is free.
type schedule struct {
	rate     float64 // requests a second
	duration time.Duration
}

// due returns when a request is due, counted from 0; false if there are no more.
func (s schedule) due(begin time.Time, request int) (time.Time, bool) {
	if s.rate == 0 {
		now := time.Now()
		return now, now.Sub(begin) < s.duration
	}
	return begin.Add(time.Duration(float64(request) / s.rate * float64(time.Second))), request < int(s.rate*s.duration.Seconds())
}

// press sends requests to one target over a number of keep-alive connections. Each connection sends the next request after the response. It
// is a closed loop: it measures the maximum throughput of a server, and not its latency at a lower rate.
func press(t target, connections int, duration time.Duration) (pressed, error) {
	return t.load(connections, schedule{duration: duration})
}

// pace sends requests to one target at a rate, over at most that many connections, without waiting for earlier responses. It is an open
// loop: the time of each request counts from the moment that it was due.
func pace(t target, connections int, rate float64, duration time.Duration) (pressed, error) {
	return t.load(connections, schedule{rate: rate, duration: duration})
}

// ready waits until the first and the last host respond with 200, for at most thirty seconds.
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

// measure warms a server up, presses it, notes the cost, sends requests at a rate that it holds easily, and returns how many requests it
// sent.
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
