//go:build !linux

package main

import (
	"errors"
	"syscall"
)

// pinThread returns an error: pinning, and so the comparison of peers, needs Linux.
func pinThread(int, int) error { return errors.New("pinning to a core needs Linux") }

// endsWithParent returns nil: it has no equivalent here.
func endsWithParent() *syscall.SysProcAttr { return nil }

// load returns an error: it needs Linux.
func (t target) load(int, schedule) (pressed, error) {
	return pressed{}, errors.New("sending requests by epoll needs Linux")
}
