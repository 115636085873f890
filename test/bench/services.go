package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// peer is a server to compare. Each gets the same request and echoes its headers as JSON.
type peer struct {
	name    string
	program string // relative to the folder of built programs
	source  string // the package that it is built from
	module  string // the folder of that package's module
	args    []string
	env     []string // in both, {port}, {admin}, {zipkin} and {otlp} are filled in
	path    string   // the path of the measured requests
	health  string   // the path of the readiness requests
}

// peers returns the echo with spans in Zipkin's format and by OTLP, and other projects' servers: with their defaults, and podinfo also with
// span export, so that one of them has the same telemetry on.
func peers() []peer {
	own := []string{"PORT={port}", "ADMIN_PORT={admin}", "LISTEN_HOST=127.0.0.1"}
	const podinfo = "github.com/stefanprodan/podinfo/cmd/podinfo"
	return []peer{
		{name: "bounced", program: "bounced", source: ".", module: "services/bounced", path: "/", health: "/health",
			env: append(own, "OTEL_EXPORTER_ZIPKIN_ENDPOINT={zipkin}")},
		{name: "bounced, OTLP", program: "bounced", source: ".", module: "services/bounced", path: "/", health: "/health",
			env: append(own, "OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_ENDPOINT={otlp}")},
		{name: "go-httpbin", program: "go-httpbin", source: "github.com/mccutchen/go-httpbin/v2/cmd/go-httpbin", module: "test/bench",
			path: "/headers", health: "/status/200", env: []string{"PORT={port}", "HOST=127.0.0.1", "LOG_FORMAT=json"}},
		{name: "podinfo", program: "podinfo", source: podinfo, module: "test/bench",
			path: "/headers", health: "/readyz", args: []string{"--host=127.0.0.1", "--port={port}"}},
		{name: "podinfo, OTLP", program: "podinfo", source: podinfo, module: "test/bench",
			path: "/headers", health: "/readyz", args: []string{"--host=127.0.0.1", "--port={port}", "--otel-service-name=podinfo"},
			env: []string{"OTEL_EXPORTER_OTLP_ENDPOINT={otlp}"}},
	}
}

// serviceRate is the rate, in requests a second, at which the servers' latency is compared: a fifth of their maximum.
const serviceRate = 5_000

// figures holds the results of one peer, over the rounds.
type figures struct {
	binary           int64
	ready, p50, p99  []time.Duration
	calm50, calm99   []time.Duration // at a rate below saturation
	idle, loaded     []int64
	rate, perRequest []float64
	spans            []float64 // per request
}

// services compares a service with its peers.
func (b *bench) services(out io.Writer) error {
	if err := pin(clientCore); err != nil {
		return err
	}
	collectors, err := newCollectors()
	if err != nil {
		return err
	}
	peers := peers()
	seen := make([]figures, len(peers))
	for i, p := range peers {
		if seen[i].binary, err = b.build(p.module, p.source, p.program); err != nil {
			return err
		}
	}
	for round := range b.rounds {
		for i, p := range peers {
			fmt.Fprintf(os.Stderr, "round %d of %d: %s\n", round+1, b.rounds, p.name)
			if err := b.round(p, collectors, &seen[i]); err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
		}
	}
	fmt.Fprintf(out, "| server | binary | ready | RSS idle | RSS under load | requests/s | CPU per request | p50 | p99 | p50 at %[1]d/s | p99 at %[1]d/s | spans per request |\n"+
		"|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n", serviceRate)
	for i, p := range peers {
		f := seen[i]
		fmt.Fprintf(out, "| %s | %.1f MB | %.0f ms | %.1f MB | %.1f MB | %.0f | %.0f µs | %.2f ms | %.2f ms | %.2f ms | %.2f ms | %.2f |\n", p.name, mb(f.binary), ms(median(f.ready)),
			mb(median(f.idle)), mb(median(f.loaded)), median(f.rate), median(f.perRequest), ms(median(f.p50)), ms(median(f.p99)), ms(median(f.calm50)), ms(median(f.calm99)), median(f.spans))
	}
	fmt.Fprintf(out, "\n%d rounds of %v each, %d connections, server and client on a core each. Spans per request below 1 were dropped by a full queue.",
		b.rounds, b.duration, b.connections)
	floor, err := b.floor(serviceRate, seen...)
	fmt.Fprintf(out, " %s\n", floor)
	return err
}

// build builds a program from a package of a module, and returns its size.
func (b *bench) build(module, source, program string) (size int64, err error) {
	path := filepath.Join(b.work, program)
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", path, source)
	build.Dir = filepath.Join(b.root, module)
	build.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("building %s: %w: %s", program, err, said)
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// round starts one peer, waits until it is ready, loads it, and stops it.
func (b *bench) round(p peer, collectors *collectors, f *figures) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	admin, err := freePort()
	if err != nil {
		return err
	}
	fill := strings.NewReplacer("{port}", port, "{admin}", admin, "{zipkin}", collectors.zipkin.endpoint(), "{otlp}", collectors.otlp.endpoint())
	filled := func(list []string) (all []string) {
		for _, s := range list {
			all = append(all, fill.Replace(s))
		}
		return all
	}
	since := time.Now()
	running, err := b.startPinned(filled(p.env), filepath.Join(b.work, p.program), filled(p.args)...)
	if err != nil {
		return err
	}
	defer running.stop()
	url := "http://127.0.0.1:" + port
	ready, err := running.ready(url+p.health, since)
	if err != nil {
		return err
	}
	f.ready = append(f.ready, ready)
	time.Sleep(time.Second) // idle: start-up work has settled
	idle, err := rss(running.Process.Pid)
	if err != nil {
		return err
	}
	f.idle = append(f.idle, idle)
	before := collectors.spans()
	requests, err := measure(running, target{url: url + p.path, rate: serviceRate}, b.connections, b.duration, f)
	if err != nil {
		return err
	}
	running.stop() // it exports the last spans before it ends
	f.spans = append(f.spans, float64(collectors.spans()-before)/float64(requests))
	return nil
}

// median returns the middle of the values; the upper one if two are in the middle.
func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func mb(bytes int64) float64     { return float64(bytes) / 1e6 }
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
