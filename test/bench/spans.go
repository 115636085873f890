package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	batchSpans = 512                    // at most in one request, as in OpenTelemetry's exporter
	batchTime  = 100 * time.Millisecond // between two requests, unless a batch is full earlier
	senders    = 4                      // concurrent requests
	traceSpans = 10                     // spans of a trace
)

// spanStream generates the JSON of new spans.
type spanStream struct{ made uint64 }

// batch returns n spans, in the form that a service of the suite exports.
func (s *spanStream) batch(n int) []byte {
	var b bytes.Buffer
	now := time.Now().UnixMicro()
	for i := range n {
		separator := byte(',')
		if i == 0 {
			separator = '['
		}
		b.WriteByte(separator)
		s.made++
		fmt.Fprintf(&b, `{"traceId":"6b656e7970657266%016x","id":"%016x","parentId":"00000000000000ff","kind":"SERVER","name":"GET /hops",`+
			`"timestamp":%d,"duration":%d,"localEndpoint":{"serviceName":"middle","ipv4":"127.0.0.1","port":8080},`+
			`"remoteEndpoint":{"serviceName":"front"},"tags":{"http.request.method":"GET","http.route":"/hops","http.response.status_code":"200",`+
			`"url.path":"/hops","service.version":"prod","host.name":"middle-prod-5d4f"}}`,
			s.made/traceSpans+1, s.made+1<<32, now, 1000+s.made%5000)
	}
	b.WriteByte(']')
	return b.Bytes()
}

// sent holds the result of a stream of spans.
type sent struct {
	spans, refused int // sent; of them without the response 202
	elapsed        time.Duration
	latency        []time.Duration // of the requests, from the moment that they were due, sorted
}

// stream sends spans to a collector at a rate, for a duration, even if the collector does not keep up.
func (s *spanStream) stream(zipkin string, rate int, duration time.Duration) (sent, error) {
	size := min(batchSpans, max(1, rate*int(batchTime)/int(time.Second)))
	every := time.Second * time.Duration(size) / time.Duration(rate)
	type batch struct {
		due  time.Time
		body []byte
	}
	queue := make(chan batch, 64) // when it is full, this side waits, and the achieved rate shows it
	var (
		mu    sync.Mutex
		wg    sync.WaitGroup
		all   sent
		first error
	)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	for range senders {
		wg.Go(func() {
			for next := range queue {
				err := post(client, zipkin, next.body)
				mu.Lock()
				all.spans += size
				all.latency = append(all.latency, time.Since(next.due))
				if err != nil {
					all.refused += size
					if first == nil {
						first = err
					}
				}
				mu.Unlock()
			}
		})
	}
	begun := time.Now()
	for due := begun; due.Sub(begun) < duration; due = due.Add(every) {
		body := s.batch(size)
		time.Sleep(time.Until(due))
		if time.Since(begun) > duration+time.Second {
			break // far behind: its maximum is known
		}
		queue <- batch{due, body}
	}
	close(queue)
	wg.Wait()
	all.elapsed = max(time.Since(begun), duration)
	slices.Sort(all.latency)
	return all, first
}

func post(client *http.Client, zipkin string, body []byte) error {
	response, err := client.Post(zipkin+"/api/v2/spans", "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusAccepted {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 200))
		return fmt.Errorf("spans: %s: %s", response.Status, text)
	}
	return nil
}

// spans measures the lab's collector with more and more spans a second.
func (b *bench) spans(out io.Writer) error {
	rates, duration := []int{10, 100, 1_000, 5_000, 10_000, 20_000}, 6*time.Second
	if b.quick {
		rates, duration = []int{10, 1_000}, time.Second
	}
	core, memory := line{name: "CPU"}, line{name: "hopline (RSS)"}
	fmt.Fprintf(out, "| spans/s sent | held | CPU of a core | CPU per span | hopline RSS | p50 of a POST | p99 | refused | dropped | made room |\n|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, rate := range rates {
		fmt.Fprintf(os.Stderr, "%d spans/s\n", rate)
		c, err := b.spansRound(rate, duration)
		if err != nil {
			return fmt.Errorf("%d spans/s: %w", rate, err)
		}
		share := c.cpu.Seconds() / c.elapsed.Seconds()
		fmt.Fprintf(out, "| %d | %.0f | %.1f %% | %.1f µs | %.1f MB | %.2f ms | %.2f ms | %d | %.0f | %.0f |\n", rate, float64(c.spans)/c.elapsed.Seconds(), 100*share,
			float64(c.cpu.Microseconds())/float64(c.spans), mb(c.rss), ms(percentile(c.latency, 0.5)), ms(percentile(c.latency, 0.99)), c.refused, c.dropped, c.evicted)
		core.add(float64(rate), 100*share)
		memory.add(float64(rate), mb(c.rss))
	}
	fmt.Fprintf(out, "\n%v at each rate, each with a fresh lab; a POST's time counts from the moment that it was due. Dropped: `invalid` and `overflow` of "+
		"`hopline_collector_spans_dropped_total`. Made room: the oldest traces, which went when the store was full, as it is meant to.\n", duration)
	return b.draw(
		chart{file: "spans-cpu", title: "CPU of the lab with one workload", x: "spans per second", y: "% of a core", logX: true, lines: []line{core}},
		chart{file: "spans-memory", title: fmt.Sprintf("Memory after %v", duration), x: "spans per second", y: "MB", logX: true, lines: []line{memory}},
	)
}

// collected holds the cost of a stream of spans.
type collected struct {
	sent
	cpu              time.Duration
	rss              int64
	dropped, evicted float64
}

func (b *bench) spansRound(rate int, duration time.Duration) (c collected, err error) {
	dir, err := b.overlay(map[string]string{"around.yaml": around, "echo.yaml": echo("echo")})
	if err != nil {
		return c, err
	}
	l, err := b.up(dir)
	if err != nil {
		return c, err
	}
	defer l.stop()
	before, err := cpu(l.Process.Pid)
	if err != nil {
		return c, err
	}
	if c.sent, err = new(spanStream).stream(l.zipkin, rate, duration); err != nil {
		return c, err
	}
	after, err := cpu(l.Process.Pid)
	if err != nil {
		return c, err
	}
	c.cpu = after - before
	if c.rss, err = rss(l.Process.Pid); err != nil {
		return c, err
	}
	lost, err := l.lostSpans()
	c.dropped, c.evicted = lost["invalid"]+lost["overflow"], lost["evicted"]
	return c, err
}

// lostSpans returns the collector's own counts of dropped spans, by reason.
func (l *lab) lostSpans() (map[string]float64, error) {
	text, err := l.metrics("/metrics")
	if err != nil {
		return nil, err
	}
	lost := map[string]float64{}
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, `hopline_collector_spans_dropped_total{reason="`)
		if !ok {
			continue
		}
		reason, value, _ := strings.Cut(rest, `"} `)
		if lost[reason], err = strconv.ParseFloat(strings.TrimSpace(value), 64); err != nil {
			return nil, fmt.Errorf("%s: %w", line, err)
		}
	}
	if len(lost) == 0 {
		return nil, fmt.Errorf("%s/metrics has no metric of lost spans", l.console)
	}
	return lost, nil
}
