//go:build !linux

package main

import (
	"errors"
	"syscall"
	"time"
)

// pinThread is not to be had here, and so the measurements that compare peers are not.
func pinThread(int, int) error { return errors.New("pinning to a core needs Linux") }

// endsWithParent has no like here.
func endsWithParent() *syscall.SysProcAttr { return nil }

// sleep is as fine as Go's timers are.
func sleep(d time.Duration) { time.Sleep(d) }
