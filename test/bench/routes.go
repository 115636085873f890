package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/hopline/hopline/lab/load"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// routeRate is the low rate, in requests a second, of requests to the ingress.
const routeRate = 100

// routed holds the results for a number of routes.
type routed struct {
	load, compile time.Duration // from files to objects, from objects to a table
	live          time.Duration // from a saved change to active rules
	change        time.Duration // processor time of hopline meanwhile
	rss           int64         // of hopline
	latency       load.Latency
}

// routes measures the lab with more and more routes.
func (b *bench) routes(out io.Writer) error {
	counts, duration := []int{1, 10, 100, 1_000, 3_000, 10_000}, 5*time.Second
	if b.quick {
		counts, duration = []int{1, 100}, time.Second
	}
	loading, compiling, live := line{name: "load"}, line{name: "compile"}, line{name: "saved to live"}
	p50, p99, memory := line{name: "p50"}, line{name: "p99"}, line{name: "hopline (RSS)"}
	fmt.Fprintf(out, "| routes | VirtualServices | load | compile | saved to live | its CPU | hopline RSS | p50 | p99 |\n|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, n := range counts {
		fmt.Fprintf(os.Stderr, "%d routes\n", n)
		r, err := b.routesRound(n, duration)
		if err != nil {
			return fmt.Errorf("%d routes: %w", n, err)
		}
		fmt.Fprintf(out, "| %d | %d | %.1f ms | %.2f ms | %.0f ms | %.0f ms | %.1f MB | %.2f ms | %.2f ms |\n", n, hostsOf(n), ms(r.load), ms(r.compile), ms(r.live), ms(r.change),
			mb(r.rss), r.latency.P50, r.latency.P99)
		x := float64(n)
		loading.add(x, ms(r.load))
		compiling.add(x, ms(r.compile))
		live.add(x, ms(r.live))
		memory.add(x, mb(r.rss))
		p50.add(x, r.latency.P50)
		p99.add(x, r.latency.P99)
	}
	fmt.Fprintf(out, "\nRequests at %d a second for %v, to the last of the routes; the change is one to every route.\n", routeRate, duration)
	return b.draw(
		chart{file: "routes-change", title: "A change of the rules", x: "routes", y: "ms", logX: true, logY: true, lines: []line{live, loading, compiling}},
		chart{file: "routes-latency", title: fmt.Sprintf("Latency at %d requests a second", routeRate), x: "routes", y: "ms", logX: true, lines: []line{p99, p50}},
		chart{file: "routes-memory", title: "Memory", x: "routes", y: "MB", logX: true, lines: []line{memory}},
	)
}

// routesRound measures n routes: how long this process takes to read them, and how the lab runs with them.
func (b *bench) routesRound(n int, duration time.Duration) (r routed, err error) {
	dir, err := b.overlay(map[string]string{"around.yaml": around, "echo.yaml": echo("echo"), "rules.yaml": virtualServices(n, "echo", "1")})
	if err != nil {
		return r, err
	}
	if r.load, r.compile, err = b.read(dir); err != nil {
		return r, err
	}
	l, err := b.up(dir)
	if err != nil {
		return r, err
	}
	defer l.stop()
	for _, d := range []time.Duration{duration / 5, duration} { // the first one warms up
		report, err := arrive(l.page+"/", routeRate, d, "Host: "+host(hostsOf(n)-1))
		if err != nil {
			return r, err
		}
		r.latency = report.Latency
	}
	if r.rss, err = rss(l.Process.Pid); err != nil {
		return r, err
	}
	before, err := cpu(l.Process.Pid)
	if err != nil {
		return r, err
	}
	saved := time.Now()
	if err := os.WriteFile(filepath.Join(dir, "rules.yaml"), []byte(virtualServices(n, "echo", "2")), 0o644); err != nil {
		return r, err
	}
	if r.live, err = l.live(host(hostsOf(n)-1), "2", saved); err != nil {
		return r, err
	}
	after, err := cpu(l.Process.Pid)
	r.change = after - before
	return r, err
}

// read loads and compiles an overlay once for each round, for about ten seconds at most, and returns the medians.
func (b *bench) read(dir string) (loading, compiling time.Duration, err error) {
	var loads, compiles []time.Duration
	for begun, round := time.Now(), 0; round < b.rounds && (round == 0 || time.Since(begun) < 10*time.Second); round++ {
		begun := time.Now()
		objects, err := overlay.Load(dir)
		if err != nil {
			return 0, 0, err
		}
		loaded := time.Now()
		if _, err := mesh.Compile(objects); err != nil {
			return 0, 0, err
		}
		loads, compiles = append(loads, loaded.Sub(begun)), append(compiles, time.Since(loaded))
	}
	return median(loads), median(compiles), nil
}

// arrive sends requests when they are due, each over a new connection, as `hopline load` does. All responses must be 200.
func arrive(url string, rate float64, duration time.Duration, headers ...string) (r load.Report, err error) {
	var text bytes.Buffer
	c := load.Command{URL: url, Rate: rate, Duration: duration, Header: append(headers, "Accept: application/json"), Method: "GET",
		Timeout: 30 * time.Second, MaxInFlight: 1000, JSON: true}
	if err := c.Validate(); err != nil {
		return r, err
	}
	if err := c.Execute(context.Background(), load.Output{Report: &text}); err != nil {
		return r, err
	}
	if err := json.Unmarshal(text.Bytes(), &r); err != nil {
		return r, err
	}
	if r.Errors > 0 {
		return r, fmt.Errorf("%s: %d of %d requests failed: %v %v", url, r.Errors, r.Planned, r.Statuses, r.Failures)
	}
	return r, nil
}
