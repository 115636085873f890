//go:build unix

package server

import (
	"syscall"
	"time"
)

// cpuTime is the processor time that this process has used, all of its threads together: what other processes do does not change it.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
