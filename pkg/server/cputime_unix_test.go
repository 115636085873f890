//go:build unix

package server

import (
	"syscall"
	"time"
)

// cpuTime returns the processor time that all threads of this process have used; other processes do not affect it.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
