package main

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// pinThread pins a thread to one core; 0 is the calling thread.
func pinThread(id, core int) error {
	var set unix.CPUSet
	set.Set(core)
	if err := unix.SchedSetaffinity(id, &set); err != nil {
		return fmt.Errorf("pinning to core %d (two are needed): %w", core, err)
	}
	return nil
}

// endsWithParent makes a child end when the thread that started it ends; hopline then ends its own processes, too.
func endsWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
