package main

import (
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
}

// press asks one target over so many keep-alive connections, each asking again once answered. It is a closed loop: it finds how
// much a server can do, and says nothing of latency at a rate below that.
func press(t target, connections int, duration time.Duration) (pressed, error) {
	client := &fasthttp.Client{MaxConnsPerHost: connections, ReadTimeout: 5 * time.Second, NoDefaultUserAgentHeader: true}
	defer client.CloseIdleConnections()
	var (
		total pressed
		mu    sync.Mutex
		wg    sync.WaitGroup
		first error
	)
	begin := time.Now()
	end := begin.Add(duration)
	for c := range connections {
		wg.Go(func() {
			request, response := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
			request.SetRequestURI(t.url)
			request.UseHostHeader = len(t.hosts) > 0
			request.Header.Set("Accept", "application/json")
			var mine pressed
			var trouble error
			for last := time.Now(); last.Before(end); {
				if n := len(t.hosts); n > 0 {
					request.Header.SetHost(t.hosts[(c+mine.requests*7919)%n]) // 7919 is prime: all of them come
				}
				err := client.Do(request, response)
				now := time.Now()
				mine.requests++
				mine.latency = append(mine.latency, now.Sub(last))
				last = now
				if err == nil && response.StatusCode() != 200 {
					err = fmt.Errorf("%s answered %d: %.200s", t.url, response.StatusCode(), response.Body())
				}
				if err != nil {
					mine.failures++
					trouble = err
				}
			}
			mu.Lock()
			defer mu.Unlock()
			total.requests += mine.requests
			total.failures += mine.failures
			total.latency = append(total.latency, mine.latency...)
			if first == nil {
				first = trouble
			}
		})
	}
	wg.Wait()
	total.elapsed = time.Since(begin)
	slices.Sort(total.latency)
	if total.failures > 0 {
		return total, fmt.Errorf("%d of %d requests failed, the first: %w", total.failures, total.requests, first)
	}
	return total, nil
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

// measure warms a server, presses it, notes what that cost, and tells how many requests it sent.
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
	return warm.requests + l.requests, nil
}
