package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	suiteHops = 5_000            // requests for the page through every hop, at full speed
	suiteRest = 10 * time.Second // how long the suite then has to release memory
)

// held holds the memory of a process in bytes, by use.
type held struct {
	pss              int64   // resident, with a part of the pages that several processes share
	live, kept, rest float64 // of Go's heap: objects; free memory that the runtime keeps; stacks and the runtime's own
}

// suite prints the memory of the canary overlay, by process: when all is ready, after thousands of requests at full speed, and a little
// later.
func (b *bench) suite(out io.Writer) error {
	hops := suiteHops
	if b.quick {
		hops /= 10
	}
	l, err := b.up(filepath.Join(b.root, "deploy/overlays/canary"))
	if err != nil {
		return err
	}
	defer l.stop()
	processes, err := l.processes()
	if err != nil {
		return err
	}
	time.Sleep(2 * time.Second) // start-up work settles
	ready, err := l.held(processes)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "suite: %d requests at full speed\n", hops)
	t := target{url: strings.Replace(l.page, "localhost", "127.0.0.1", 1) + "/demo-app/hops"}
	for sent := 0; sent < hops; {
		seen, err := press(t, b.connections, time.Second)
		if err != nil {
			return err
		}
		sent += seen.requests
	}
	after, err := l.held(processes)
	if err != nil {
		return err
	}
	time.Sleep(suiteRest)
	later, err := l.held(processes)
	if err != nil {
		return err
	}
	printSuite(out, ready, after, later)
	fmt.Fprintf(out, "\nPSS; the last four columns are of the moment after %d requests at full speed over %d connections, and what the heap and the runtime hold is of it.\n",
		hops, b.connections)
	return nil
}

// printSuite prints a row for each process, the largest first, and a total.
func printSuite(out io.Writer, ready, after, later map[string]held) {
	fmt.Fprintf(out, "| process | ready | %v later | after %d hops | objects | free, kept | stacks, runtime |\n|---|--:|--:|--:|--:|--:|--:|\n", suiteRest, suiteHops)
	names := make([]string, 0, len(after))
	var sums [3]int64
	for name := range after {
		names = append(names, name)
		sums[0], sums[1], sums[2] = sums[0]+ready[name].pss, sums[1]+later[name].pss, sums[2]+after[name].pss
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(after[b].pss, after[a].pss), strings.Compare(a, b))
	})
	fmt.Fprintf(out, "| all %d | %.0f MB | %.0f MB | %.0f MB | | | |\n", len(names), mb(sums[0]), mb(sums[1]), mb(sums[2]))
	for _, name := range names {
		a := after[name]
		fmt.Fprintf(out, "| %s | %.1f MB | %.1f MB | %.1f MB | %.1f MB | %.1f MB | %.1f MB |\n", name, mb(ready[name].pss), mb(later[name].pss), mb(a.pss),
			a.live/1e6, a.kept/1e6, a.rest/1e6)
	}
}

// held reads the memory use of every process. It reads PSS first, because the metrics request itself takes memory.
func (l *lab) held(processes map[string]int) (map[string]held, error) {
	all := make(map[string]held, len(processes))
	for name, process := range processes {
		pss, err := kilobytes(process, "smaps_rollup", "Pss:")
		if err != nil {
			return nil, err
		}
		all[name] = held{pss: pss}
	}
	for name, h := range all {
		path := "/pods/" + name + "/metrics"
		if name == hopline {
			path = "/metrics"
		}
		text, err := l.metrics(path)
		if err != nil {
			return nil, err
		}
		inUse, idle := goMemory(text, "heap_inuse"), goMemory(text, "heap_idle")
		h.live = goMemory(text, "heap_alloc")
		h.kept = idle - goMemory(text, "heap_released") + inUse - h.live
		h.rest = goMemory(text, "sys") - inUse - idle
		all[name] = h
	}
	return all, nil
}

// goMemory returns one of the Go runtime's memory metrics, in bytes; 0 if it is missing.
func goMemory(metrics, what string) float64 {
	_, rest, _ := strings.Cut(metrics, "\ngo_memstats_"+what+"_bytes ")
	text, _, _ := strings.Cut(rest, "\n")
	n, _ := strconv.ParseFloat(text, 64)
	return n
}
