package main

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// peer is a server to compare: the same question to each, an echo of the request's headers as JSON.
type peer struct {
	name    string
	program string   // relative to the folder of built programs
	source  string   // the package that it is built from, and in which module
	module  string   // its folder
	args    []string // %s is the port
	env     []string
	path    string // what is asked
	health  string
	admin   bool // whether it wants a second port
}

var peers = []peer{
	{name: "bounced", program: "bounced", source: ".", module: "services/bounced", path: "/", health: "/health", admin: true,
		env: []string{"PORT=%s", "LISTEN_HOST=127.0.0.1", "OTEL_EXPORTER_ZIPKIN_ENDPOINT=%z"}},
	{name: "go-httpbin", program: "go-httpbin", source: "github.com/mccutchen/go-httpbin/v2/cmd/go-httpbin", module: "test/bench", path: "/headers", health: "/status/200",
		env: []string{"PORT=%s", "HOST=127.0.0.1", "LOG_FORMAT=json"}},
	{name: "podinfo", program: "podinfo", source: "github.com/stefanprodan/podinfo/cmd/podinfo", module: "test/bench", path: "/headers", health: "/readyz",
		args: []string{"--host=127.0.0.1", "--port=%s"}},
}

// figures are one peer's, over the rounds.
type figures struct {
	binary           int64
	ready, p50, p99  []time.Duration
	idle, loaded     []int64
	rate, perRequest []float64
}

// services compares a service with its peers.
func (b *bench) services(out io.Writer) error {
	if err := pin(clientCore); err != nil {
		return err
	}
	sink, spans, err := zipkinSink()
	if err != nil {
		return err
	}
	seen := make([]figures, len(peers))
	for i, p := range peers {
		program := filepath.Join(b.work, p.program)
		build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, p.source)
		build.Dir = filepath.Join(b.root, p.module)
		build.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
		if said, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w: %s", p.name, err, said)
		}
		info, err := os.Stat(program)
		if err != nil {
			return err
		}
		seen[i].binary = info.Size()
	}
	for round := range b.rounds {
		for i, p := range peers {
			fmt.Fprintf(os.Stderr, "round %d of %d: %s\n", round+1, b.rounds, p.name)
			if err := b.round(p, sink, &seen[i]); err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
		}
	}
	fmt.Fprintf(out, "| server | binary | ready | RSS idle | RSS under load | requests/s | CPU per request | p50 | p99 |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for i, p := range peers {
		f := seen[i]
		fmt.Fprintf(out, "| %s | %.1f MB | %.0f ms | %.1f MB | %.1f MB | %.0f | %.0f µs | %.2f ms | %.2f ms |\n", p.name, mb(f.binary), ms(median(f.ready)),
			mb(median(f.idle)), mb(median(f.loaded)), median(f.rate), median(f.perRequest), ms(median(f.p50)), ms(median(f.p99)))
	}
	fmt.Fprintf(out, "\n%d rounds of %v each, %d connections, server and client on a core each; bounced exported %d spans.\n", b.rounds, b.duration, b.connections, spans())
	return nil
}

// round starts one peer, asks until it is ready, loads it, and stops it.
func (b *bench) round(p peer, sink string, f *figures) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	adminPort, err := freePort()
	if err != nil {
		return err
	}
	fill := func(list []string) []string {
		filled := make([]string, len(list))
		for i, s := range list {
			switch {
			case slices.Contains([]string{"PORT=%s", "--port=%s"}, s):
				filled[i] = fmt.Sprintf(s, port)
			case s == "OTEL_EXPORTER_ZIPKIN_ENDPOINT=%z":
				filled[i] = "OTEL_EXPORTER_ZIPKIN_ENDPOINT=" + sink
			default:
				filled[i] = s
			}
		}
		return filled
	}
	env := fill(p.env)
	if p.admin {
		env = append(env, "ADMIN_PORT="+adminPort)
	}
	since := time.Now()
	running, err := start(env, filepath.Join(b.work, p.program), fill(p.args)...)
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
	time.Sleep(time.Second) // idle: what start-up left behind has settled
	idle, err := running.rss()
	if err != nil {
		return err
	}
	f.idle = append(f.idle, idle)
	return measure(running, target{url: url + p.path}, b.connections, b.duration, f)
}

// zipkinSink takes spans as a collector does and counts their bodies' spans no closer than it must: by their ids.
func zipkinSink() (endpoint string, spans func() int64, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	var c counter
	go http.Serve(l, &c)
	return "http://" + l.Addr().String() + "/api/v2/spans", c.spans, nil
}

func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func mb(bytes int64) float64     { return float64(bytes) / 1e6 }
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
