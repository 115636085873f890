package main

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// cpu counts the work of this process, to within the work of its other threads.
func TestCPUCountsWork(t *testing.T) {
	before, err := cpu(os.Getpid())
	if err != nil {
		t.Skip(err) // not Linux
	}
	for begun := time.Now(); ; {
		after, err := cpu(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if after-before > 50*time.Millisecond {
			break
		}
		if time.Since(begun) > 20*time.Second {
			t.Fatalf("twenty seconds of work count as %v", after-before)
		}
	}
	if resident, err := rss(os.Getpid()); err != nil || resident < 1<<20 || resident > 1<<32 {
		t.Errorf("resident memory %d, %v", resident, err)
	}
}

func TestChildrenAreCounted(t *testing.T) {
	if _, err := children(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Skip(err)
	}
	defer func() { _ = child.Process.Kill(); _ = child.Wait() }()
	all, err := children(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		if _, err := os.Stat("/proc/self/task"); err != nil {
			t.Skip("not Linux")
		}
		t.Error("a child is not found")
	}
	if _, err := together(all...); err != nil {
		t.Error(err)
	}
}
