package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usage holds what processes use, as Linux counts it.
type usage struct {
	rss, pss int64         // bytes resident; shared pages count fully for each process, and in parts
	cpu      time.Duration // processor time so far, in user and in system mode
}

// rss returns a process's current resident memory in bytes.
func rss(process int) (int64, error) { return kilobytes(process, "status", "VmRSS:") }

// cpu returns the processor time that the threads of a process have used so far, in nanoseconds. The stat file counts in ticks of 10 ms,
// which is too coarse for a process with little to do. Threads that have ended are missing: Go's runtime keeps its threads, and so does
// Envoy.
func cpu(process int) (time.Duration, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", process))
	if err != nil {
		return 0, err
	}
	if len(threads) == 0 {
		return 0, fmt.Errorf("process %d has no /proc/%[1]d/task/*/schedstat: it has ended, or the kernel does not count", process)
	}
	var all time.Duration
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // it ended meanwhile
		}
		if err != nil {
			return 0, err
		}
		running, _, _ := strings.Cut(string(text), " ") // then the time spent waiting, and how often it ran
		n, err := strconv.ParseInt(running, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", thread, err)
		}
		all += time.Duration(n)
	}
	return all, nil
}

// together returns the total usage of some processes.
func together(processes ...int) (usage, error) {
	var all usage
	for _, process := range processes {
		resident, err := rss(process)
		if err != nil {
			return all, err
		}
		shared, err := kilobytes(process, "smaps_rollup", "Pss:")
		if err != nil {
			return all, err
		}
		used, err := cpu(process)
		if err != nil {
			return all, err
		}
		all.rss, all.pss, all.cpu = all.rss+resident, all.pss+shared, all.cpu+used
	}
	return all, nil
}

// children returns the numbers of the current child processes of a process.
func children(process int) ([]int, error) {
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", process))
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // a thread that ended meanwhile
		}
		if err != nil {
			return nil, err
		}
		for _, field := range strings.Fields(string(text)) {
			n, err := strconv.Atoi(field)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", list, err)
			}
			numbers = append(numbers, n)
		}
	}
	return numbers, nil
}

// kilobytes returns, in bytes, the number after a name in a process's file in /proc.
func kilobytes(process int, file, name string) (int64, error) {
	path := fmt.Sprintf("/proc/%d/%s", process, file)
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("%s has no %s", path, name)
}
