package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/load"
)

const (
	soakUsers = 50      // new users a second
	storeFull = 110_000 // spans that fill the lab's store, which holds 100,000

	// Warm-up: this many times the users for so long. Heaps reach their size, and what is made on first use exists.
	warmFactor = 4
	warmTime   = 20 * time.Second

	// Garbage collections of a process before its memory counts: until its first it only grows.
	collections = 2
)

// memories holds samples of resident memory, in MB, by the process's name.
type memories struct {
	seconds []float64
	mb      map[string][]float64
}

// soak runs the canary overlay under users for a duration, and reports whether memory and latency grow. Before that, it fills the lab's
// store of spans, so that the store does not grow, and waits for garbage collections.
func (b *bench) soak(out io.Writer) error {
	l, err := b.up(filepath.Join(b.root, "deploy/overlays/canary"))
	if err != nil {
		return err
	}
	defer l.stop()
	processes, err := l.processes()
	if err != nil {
		return err
	}
	url := l.page + "/demo-app/hops"
	fmt.Fprintf(os.Stderr, "soak: warming up, then %v at %d users a second\n", b.soakTime, soakUsers)
	if _, err := new(spanStream).stream(l.zipkin, 20_000, storeFull*time.Second/20_000); err != nil {
		return err
	}
	warm := warmTime
	if b.quick {
		warm /= 10
	}
	if _, err := arrive(url, warmFactor*soakUsers, warm); err != nil {
		return err
	}
	for name := range processes {
		if err := l.settle(name); err != nil {
			return err
		}
	}
	stop, seen := make(chan struct{}), make(chan memories)
	go func() { seen <- watch(processes, max(b.soakTime/300, 500*time.Millisecond), stop) }()
	report, err := arrive(url, soakUsers, b.soakTime)
	close(stop)
	memory := <-seen
	if err != nil {
		return err
	}
	return b.printSoak(out, memory, report)
}

// processes returns the process numbers of hopline and its workloads, by name.
func (l *lab) processes() (map[string]int, error) {
	s, err := l.state()
	if err != nil {
		return nil, err
	}
	numbers := map[string]int{hopline: l.Process.Pid}
	for _, w := range s.Workloads {
		for _, p := range w.Pods {
			numbers[p.Name] = p.Process
		}
	}
	return numbers, nil
}

// settle fetches a process's metrics, as Prometheus would, until it has collected its garbage often enough. A process with little else to
// do would take long to reach that by itself.
func (l *lab) settle(name string) error {
	path := "/pods/" + name + "/metrics"
	if name == hopline {
		path = "/metrics"
	}
	for range 1_000 {
		text, err := l.metrics(path)
		if err != nil {
			return err
		}
		_, rest, found := strings.Cut(text, "\ngo_gc_duration_seconds_count ")
		if !found {
			return fmt.Errorf("%s%s has no metric of garbage collections", l.console, path)
		}
		count, _, _ := strings.Cut(rest, "\n")
		if n, err := strconv.ParseFloat(count, 64); err != nil || n >= collections {
			return err
		}
	}
	return fmt.Errorf("%s has collected no garbage after a thousand responses", name)
}

// hopline is the name of the lab's own process in tables.
const hopline = "hopline"

// watch samples memory until stop is closed. A process that has ended has no samples from then on.
func watch(processes map[string]int, every time.Duration, stop <-chan struct{}) memories {
	m := memories{mb: map[string][]float64{}}
	tick := time.NewTicker(every)
	defer tick.Stop()
	begun := time.Now()
	for {
		select {
		case <-stop:
			return m
		case <-tick.C:
		}
		m.seconds = append(m.seconds, time.Since(begun).Seconds())
		for name, process := range processes {
			if resident, err := rss(process); err == nil {
				m.mb[name] = append(m.mb[name], mb(resident))
			}
		}
	}
}

// printSoak prints the tables and draws the plots of a soak.
func (b *bench) printSoak(out io.Writer, memory memories, report load.Report) error {
	fmt.Fprintf(out, "| process | RSS at the start | at the end | highest | slope, MB per minute | |\n|---|--:|--:|--:|--:|---|\n")
	resident := chart{file: "soak-memory", title: fmt.Sprintf("Memory under %d users a second", soakUsers), x: "seconds", y: "MB (RSS)"}
	names := slices.SortedFunc(maps.Keys(memory.mb), func(a, b string) int {
		if (a == hopline) != (b == hopline) { // hopline first
			return map[bool]int{true: -1, false: 1}[a == hopline]
		}
		return map[bool]int{true: -1, false: 1}[a < b]
	})
	for i, name := range names {
		values := memory.mb[name]
		if len(values) != len(memory.seconds) {
			return fmt.Errorf("%s has ended while it was measured", name)
		}
		t := trendOf(memory.seconds, values)
		fmt.Fprintf(out, "| %s | %.1f MB | %.1f MB | %.1f MB | %v | %s |\n", name, values[0], values[len(values)-1], slices.Max(values), t, t.verdict(values[0]/100))
		l := line{thin: i > 0, name: map[int]string{0: hopline, 1: "each service"}[i]}
		for j, v := range values {
			l.add(memory.seconds[j], v)
		}
		resident.lines = append(resident.lines, l)
	}
	slices.Reverse(resident.lines) // hopline over the others
	var at, p50, p99 []float64
	latency := chart{file: "soak-latency", title: fmt.Sprintf("Latency under %d users a second", soakUsers), x: "seconds", y: "ms",
		lines: []line{{name: "p99"}, {name: "p50"}}}
	for _, i := range report.Intervals {
		if i.Length < report.Intervals[0].Length {
			continue // the last may be cut short
		}
		at, p50, p99 = append(at, i.At), append(p50, i.P50), append(p99, i.P99)
		latency.lines[0].add(i.At, i.P99)
		latency.lines[1].add(i.At, i.P50)
	}
	fmt.Fprintf(out, "\n| latency | in all | slope, ms per minute | |\n|---|--:|--:|---|\n")
	for _, row := range []struct {
		name   string
		all    float64
		values []float64
	}{{"p50", report.Latency.P50, p50}, {"p99", report.Latency.P99, p99}} {
		t := trendOf(at, row.values)
		fmt.Fprintf(out, "| %s | %.2f ms | %v | %s |\n", row.name, row.all, t, t.verdict(row.all/100))
	}
	fmt.Fprintf(out, "\n%v at %.1f users a second, each with a new connection, through four hops: %d requests, %d errors. Slopes with their 95 %% interval; "+
		"flat: 0 lies within, or it is less than 1 %% a minute for certain.\n", b.soakTime, report.HeldRate, report.Planned, report.Errors)
	return b.draw(resident, latency)
}
