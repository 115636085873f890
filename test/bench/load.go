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

// press asks for one URL over so many keep-alive connections, each asking again once answered. It is a closed loop: it finds how
// much a server can do, and says nothing of latency at a rate below that.
func press(url string, connections int, duration time.Duration) (load, error) {
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
	for range connections {
		wg.Go(func() {
			request, response := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
			request.SetRequestURI(url)
			request.Header.Set("Accept", "application/json")
			var mine load
			var trouble error
			for last := time.Now(); last.Before(end); {
				err := client.Do(request, response)
				now := time.Now()
				mine.requests++
				mine.latency = append(mine.latency, now.Sub(last))
				last = now
				if err == nil && response.StatusCode() != 200 {
					err = fmt.Errorf("%s answered %d: %.200s", url, response.StatusCode(), response.Body())
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
