// Command bench measures Hopline beside its peers, on this machine, in one run: services prints how a service with all its
// telemetry on compares with go-httpbin and podinfo, built here from their modules; proxies how the lab's ingress compares with
// Envoy in the same place. Peers take turns, round by round, so that what
// else the machine does meets them all alike; each figure is the median of the rounds.
//
//	make bench-peers                # or: cd test/bench && GOWORK=off go run . services
//
// Server and client are pinned to a core each, so it needs Linux and two cores.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 5, "rounds; a figure is their median")
	duration := flag.Duration("duration", 3*time.Second, "how long one round loads one peer")
	connections := flag.Int("connections", 16, "keep-alive connections of the client")
	root := flag.String("root", "../..", "the repository")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "bench [flags] services | proxies\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	work, err := os.MkdirTemp("", "hopline-bench-")
	if err != nil {
		fail(err)
	}
	defer os.RemoveAll(work)
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	go func() { <-interrupted; os.RemoveAll(work); os.Exit(130) }() // children die with this process
	absolute, err := filepath.Abs(*root)
	if err != nil {
		fail(err)
	}
	b := bench{root: absolute, work: work, rounds: *rounds, duration: *duration, connections: *connections}
	switch what := flag.Arg(0); what {
	case "services":
		err = b.services(os.Stdout)
	case "proxies":
		err = b.proxies(os.Stdout)
	default:
		flag.Usage()
		err = fmt.Errorf("want services or proxies, got %q", what)
	}
	if err != nil {
		os.RemoveAll(work)
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

// bench is what every comparison shares.
type bench struct {
	root, work  string
	rounds      int
	duration    time.Duration
	connections int
}
