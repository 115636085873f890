package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// signals converts signals to two contexts: stop ends with the first Ctrl-C, SIGTERM or closed terminal, now with the second. A third one
// kills this process as it would any other. On Windows, Go reports a closed console as SIGTERM, too.
func signals() (stop, now context.Context, release func()) {
	stop, stopNow := context.WithCancel(context.Background())
	now, endNow := context.WithCancel(context.Background())
	received := make(chan os.Signal, 2)
	signal.Notify(received, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // by nohup
		signal.Notify(received, syscall.SIGHUP)
	}
	go func() {
		<-received
		stopNow()
		<-received
		endNow()
		signal.Stop(received)
	}()
	return stop, now, func() { signal.Stop(received) }
}
