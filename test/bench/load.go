package main

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// load is what one round measured.
type load struct {
	requests int
	elapsed  time.Duration
	latency  []time.Duration // sorted
	failures int             // no answer, or none that was 200
}

func (l load) rate() float64 { return float64(l.requests) / l.elapsed.Seconds() }

// percentile q of the latencies, 0 < q < 1.
func (l load) percentile(q float64) time.Duration {
	if len(l.latency) == 0 {
		return 0
	}
	return l.latency[min(len(l.latency)-1, int(q*float64(len(l.latency))))]
}

// target is what is asked: a URL, and the hosts that the requests name in turn; none: the URL's own.
type target struct {
	url   string
	hosts []string
}

// press asks one target over so many keep-alive connections, each asking again once answered. It is a closed loop: it finds how
// much a server can do, and says nothing of latency at a rate below that.
func press(t target, connections int, duration time.Duration) (load, error) {
	client := &fasthttp.Client{MaxConnsPerHost: connections, ReadTimeout: 5 * time.Second, NoDefaultUserAgentHeader: true}
	defer client.CloseIdleConnections()
	var (
		total load
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
			var mine load
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

// ready asks every millisecond until the first and the last host are answered with 200, for twenty seconds at most.
func (t target) ready(p *process, since time.Time) error {
	request, response := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	request.SetRequestURI(t.url)
	request.UseHostHeader = true
	for _, host := range []string{t.hosts[0], t.hosts[len(t.hosts)-1]} {
		request.Header.SetHost(host)
		for fasthttp.DoTimeout(request, response, time.Second) != nil || response.StatusCode() != 200 {
			if time.Since(since) > 20*time.Second {
				return fmt.Errorf("not ready after 20 s: %s", p.out.String())
			}
			time.Sleep(time.Millisecond)
		}
	}
	return nil
}

// measure warms a server, presses it, and notes what that cost.
func measure(p *process, t target, connections int, duration time.Duration, f *figures) error {
	if _, err := press(t, connections, duration/3); err != nil {
		return err
	}
	before, err := p.cpu()
	if err != nil {
		return err
	}
	l, err := press(t, connections, duration)
	if err != nil {
		return err
	}
	after, err := p.cpu()
	if err != nil {
		return err
	}
	loaded, err := p.rss()
	if err != nil {
		return err
	}
	f.loaded = append(f.loaded, loaded)
	f.rate = append(f.rate, l.rate())
	f.perRequest = append(f.perRequest, float64((after-before).Microseconds())/float64(l.requests))
	f.p50 = append(f.p50, l.percentile(0.50))
	f.p99 = append(f.p99, l.percentile(0.99))
	return nil
}
