package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// signals turns what the system and the user say into two contexts: stop ends with the first Ctrl-C, SIGTERM or closed terminal, now
// with the second. A third one ends this process as it would any other. Windows tells Go of a closed console by SIGTERM as well.
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
