package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

// ruleCounts holds the sizes at which the proxies are compared.
var ruleCounts = []int{10, 1_000, 10_000}

// proxyRate is the rate, in requests a second, at which the proxies' latency is compared: a quarter of Envoy's maximum.
const proxyRate = 2_000

// engine is a proxy to compare.
type engine struct {
	name  string
	start func(rules int, port, upstream string, zipkin *sink) (*process, error)
}

// proxies compares the lab's ingress with Envoy in the same place.
func (b *bench) proxies(out io.Writer) error {
	envoy, err := envoyPath()
	if err != nil {
		return err
	}
	if err := pin(clientCore); err != nil {
		return err
	}
	if _, err := b.build("test/bench", "./labproxy", "labproxy"); err != nil {
		return err
	}
	engines := []engine{{"lab", b.startLab}, {"Envoy", func(rules int, port, upstream string, zipkin *sink) (*process, error) {
		return b.startEnvoy(envoy, rules, port, upstream, zipkin)
	}}}
	upstream, err := serveUpstream()
	if err != nil {
		return err
	}
	zipkin, err := zipkinSink()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "| rules | proxy | CPU per request | requests/s | p50 | p99 | p50 at %[1]d/s | p99 at %[1]d/s | RSS | spans per request | CPU, lab / Envoy |\n"+
		"|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n", proxyRate)
	var all []figures
	for _, rules := range ruleCounts {
		seen := make([]figures, len(engines))
		for round := range b.rounds {
			for i, e := range engines {
				fmt.Fprintf(os.Stderr, "%d rules, round %d of %d: %s\n", rules, round+1, b.rounds, e.name)
				if err := b.proxyRound(e, rules, upstream, zipkin, &seen[i]); err != nil {
					return fmt.Errorf("%s with %d rules: %w", e.name, rules, err)
				}
			}
		}
		all = append(all, seen...)
		ratio := median(seen[0].perRequest) / median(seen[1].perRequest)
		for i, e := range engines {
			f := seen[i]
			compared := ""
			if i == 0 {
				compared = fmt.Sprintf("%.2f", ratio)
			}
			fmt.Fprintf(out, "| %d | %s | %.0f µs | %.0f | %.2f ms | %.2f ms | %.2f ms | %.2f ms | %.0f MB | %.2f | %s |\n", rules, e.name, median(f.perRequest), median(f.rate),
				ms(median(f.p50)), ms(median(f.p99)), ms(median(f.calm50)), ms(median(f.calm99)), mb(median(f.loaded)), median(f.spans), compared)
		}
	}
	fmt.Fprintf(out, "\n%d rounds of %v each, alternating, %d connections, only the proxy on one core; client, upstream and collector on the other.",
		b.rounds, b.duration, b.connections)
	floor, err := b.floor(proxyRate, all...)
	fmt.Fprintf(out, " %s\n", floor)
	return err
}

func (b *bench) proxyRound(e engine, rules int, upstream string, zipkin *sink, f *figures) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	since := time.Now()
	running, err := e.start(rules, port, upstream, zipkin)
	if err != nil {
		return err
	}
	defer running.stop()
	hosts := make([]string, rules)
	for i := range hosts {
		hosts[i] = host(i)
	}
	t := target{url: "http://127.0.0.1:" + port + "/hops", hosts: hosts, rate: proxyRate}
	if err := t.ready(running, since); err != nil {
		return err
	}
	before := zipkin.spans()
	requests, err := measure(running, t, b.connections, b.duration, f)
	running.stop() // it sends the last of its spans first
	f.spans = append(f.spans, float64(zipkin.spans()-before)/float64(requests))
	return err
}

func (b *bench) startLab(rules int, port, upstream string, zipkin *sink) (*process, error) {
	return b.startPinned(nil, filepath.Join(b.work, "labproxy"), "-rules", strconv.Itoa(rules), "-port", port, "-upstream", upstream,
		"-zipkin", "http://127.0.0.1:"+zipkin.port, "-log", filepath.Join(b.work, "lab.log"))
}

func (b *bench) startEnvoy(envoy string, rules int, port, upstream string, zipkin *sink) (*process, error) {
	log := filepath.Join(b.work, "envoy.log")
	if err := os.WriteFile(log, nil, 0o600); err != nil { // Envoy appends to the log that it finds
		return nil, err
	}
	config, err := envoyConfig(rules, port, upstream, zipkin.port, log)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(b.work, "envoy.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		return nil, err
	}
	return b.startPinned(nil, envoy, "-c", file, "-l", "error", "--concurrency", "1", "--use-dynamic-base-id")
}

// serveUpstream responds as a hop of the suite would, until the process ends.
func serveUpstream() (port string, err error) {
	body, err := json.Marshal(map[string]string{"hello": "world!"})
	if err != nil {
		return "", err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go fasthttp.Serve(l, func(c *fasthttp.RequestCtx) {
		c.SetContentType("application/json")
		c.SetBody(body)
	})
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil
}
