// Command bench measures Hopline on this machine and prints Markdown tables.
//
// services compares a service, with all its telemetry on, with go-httpbin and podinfo, built here from their modules. proxies compares the
// lab's ingress with Envoy in the same place. Peers take turns, round by round, so that other load on the machine affects them all alike;
// each figure is the median of the rounds. Server and client are pinned to a core each, so these need Linux and two cores.
//
// growth is workloads, routes, spans, suite and soak: what the lab uses with more and more of each, and whether it grows with time. They
// run the programs of `make build` and draw plots.
//
// Both report the client's own latency, measured against a server that does nothing.
//
// benchmarks turns the output of `go test -bench` into a table, with the named units. figures puts a table between its markers in a page.
// Both read standard input.
//
//	make bench-peers bench-growth    # or: cd test/bench && GOWORK=off go run . services
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

const synopsis = `bench [flags] services | proxies | growth | workloads | routes | spans | suite | soak
bench benchmarks [UNIT ...] <OUTPUT
bench figures PAGE NAME <TABLE
`

func main() {
	b := bench{}
	flag.IntVar(&b.rounds, "rounds", 5, "rounds; a figure is their median")
	flag.DurationVar(&b.duration, "duration", 3*time.Second, "how long one round loads one peer")
	flag.IntVar(&b.connections, "connections", 16, "keep-alive connections of the client")
	flag.DurationVar(&b.soakTime, "soak", time.Minute, "how long soak runs; ten seconds or more")
	flag.StringVar(&b.root, "root", "../..", "the repository")
	flag.StringVar(&b.plots, "plots", "", "folder of the plots (docs/performance in the repository)")
	flag.BoolVar(&b.quick, "quick", false, "few and short steps, to check that it works: the figures mean nothing")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), synopsis)
		flag.PrintDefaults()
	}
	flag.Parse()
	if b.rounds < 1 || b.duration <= 0 || b.connections < 1 || b.soakTime < 10*time.Second {
		fail(fmt.Errorf("want -rounds and -connections of 1 or more, a -duration above 0, a -soak of 10s or more"))
	}
	work, err := os.MkdirTemp("", "hopline-bench-")
	if err != nil {
		fail(err)
	}
	b.work = work
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() { <-interrupted; os.RemoveAll(work); os.Exit(130) }() // children end with this process
	if b.root, err = filepath.Abs(b.root); err == nil {
		if b.plots == "" {
			b.plots = filepath.Join(b.root, "docs/performance")
		}
		err = b.run(flag.Args(), os.Stdin, os.Stdout)
	}
	os.RemoveAll(work)
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

// bench holds what every measurement shares.
type bench struct {
	root, work, plots  string // folders: the repository, temporary files, plots
	rounds             int
	duration, soakTime time.Duration
	connections        int
	quick              bool
}

// run runs the measurement that the arguments name.
func (b *bench) run(args []string, in io.Reader, out io.Writer) error {
	what := ""
	if len(args) > 0 {
		what, args = args[0], args[1:]
	}
	parts := map[string]func(io.Writer) error{"services": b.services, "proxies": b.proxies, "growth": b.growth,
		"workloads": b.workloads, "routes": b.routes, "spans": b.spans, "suite": b.suite, "soak": b.soak}
	switch part := parts[what]; {
	case part != nil && len(args) == 0:
		return part(out)
	case what == "benchmarks":
		return benchmarkTable(in, out, args...)
	case what == "nothing" && len(args) == 1: // floor starts it
		return serveNothing(args[0])
	case what == "figures" && len(args) == 2:
		return figuresInto(args[0], args[1], in)
	}
	return fmt.Errorf("got %q %q, want one of:\n%s", what, args, synopsis)
}

// growth runs all growth measurements.
func (b *bench) growth(out io.Writer) error {
	for _, part := range []struct {
		title   string
		measure func(io.Writer) error
	}{{"Workloads", b.workloads}, {"Routes", b.routes}, {"Spans", b.spans}, {"Memory", b.suite}, {"Time", b.soak}} {
		fmt.Fprintf(out, "## %s\n\n", part.title)
		if err := part.measure(out); err != nil {
			return err
		}
		fmt.Fprintln(out)
	}
	return nil
}
