package main

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// pinThread keeps a thread on one core; 0 is the calling one.
func pinThread(id, core int) error {
	var set unix.CPUSet
	set.Set(core)
	if err := unix.SchedSetaffinity(id, &set); err != nil {
		return fmt.Errorf("pinning to core %d (two are needed): %w", core, err)
	}
	return nil
}

// endsWithParent is for a child that is to end when the thread that made it does; hopline ends its own processes then, too.
func endsWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
