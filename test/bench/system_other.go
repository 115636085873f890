//go:build !linux

package main

import (
	"errors"
	"syscall"
)

// pinThread is not to be had here, and so the measurements that compare peers are not.
func pinThread(int, int) error { return errors.New("pinning to a core needs Linux") }

// endsWithParent has no like here.
func endsWithParent() *syscall.SysProcAttr { return nil }

// load is not to be had here.
func (t target) load(int, schedule) (pressed, error) {
	return pressed{}, errors.New("asking by epoll needs Linux")
}
