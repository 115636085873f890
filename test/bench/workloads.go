package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// workloads measures the lab with more and more workloads: the time until all are ready, the memory, and the cost of being idle.
func (b *bench) workloads(out io.Writer) error {
	idle := 5 * time.Second
	counts := []int{5, 10, 20, 50, 100, 200}
	if b.quick {
		counts, idle = []int{2, 5}, time.Second
	}
	ready := line{name: "time to ready"}
	own, whole := line{name: "hopline itself (RSS)"}, line{name: "all of it (PSS)"}
	fmt.Fprintf(out, "| workloads | ready | hopline RSS | all, PSS | per workload, PSS | CPU, idle: hopline | CPU, idle: all |\n|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, n := range counts {
		fmt.Fprintf(os.Stderr, "%d workloads\n", n)
		took, w, err := b.workloadsRound(n, idle)
		if err != nil {
			return fmt.Errorf("%d workloads: %w", n, err)
		}
		fmt.Fprintf(out, "| %d | %.2f s | %.1f MB | %.0f MB | %.1f MB | %s | %s |\n", n, took.Seconds(), mb(w.own.rss), mb(w.all.pss),
			mb(w.all.pss-w.own.pss)/float64(n), perSecond(w.own.cpu, w.over), perSecond(w.all.cpu, w.over))
		ready.add(float64(n), took.Seconds())
		own.add(float64(n), mb(w.own.rss))
		whole.add(float64(n), mb(w.all.pss))
	}
	fmt.Fprintf(out, "\nEach workload is one process of bounced; CPU over %v without requests, in ms of a core per second.\n", idle)
	return b.draw(
		chart{file: "workloads-ready", title: "Time to ready", x: "workloads", y: "seconds", lines: []line{ready}},
		chart{file: "workloads-memory", title: "Memory", x: "workloads", y: "MB", lines: []line{whole, own}},
	)
}

// idleness holds what the lab used while it got no requests.
type idleness struct {
	own, all usage // memory at the end, processor time meanwhile
	over     time.Duration
}

// workloadsRound starts the lab, measures it once and stops it.
func (b *bench) workloadsRound(n int, idle time.Duration) (took time.Duration, w idleness, err error) {
	files := map[string]string{"around.yaml": around}
	for i := range n {
		name := fmt.Sprintf("echo-%d", i)
		files[name+".yaml"] = echo(name)
	}
	dir, err := b.overlay(files)
	if err != nil {
		return 0, w, err
	}
	l, err := b.up(dir)
	if err != nil {
		return 0, w, err
	}
	defer l.stop()
	time.Sleep(2 * time.Second) // start-up work settles
	begun := time.Now()
	ownBefore, allBefore, err := l.usage()
	if err != nil {
		return 0, w, err
	}
	time.Sleep(idle)
	w.own, w.all, err = l.usage()
	w.over = time.Since(begun)
	w.own.cpu -= ownBefore.cpu
	w.all.cpu -= allBefore.cpu
	return l.took, w, err
}

// usage returns what hopline uses, and what it uses together with all its workloads.
func (l *lab) usage() (own, all usage, err error) {
	if own, err = together(l.Process.Pid); err != nil {
		return own, all, err
	}
	members, err := children(l.Process.Pid)
	if err != nil {
		return own, all, err
	}
	all, err = together(append(members, l.Process.Pid)...)
	return own, all, err
}

// perSecond returns processor time as a share of a core.
func perSecond(used, over time.Duration) string {
	return fmt.Sprintf("%.1f ms/s", ms(used)/over.Seconds())
}
