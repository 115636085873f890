package server

import (
	"context"
	"sync"
)

// MaxBackground is the maximum number of functions that Go runs at the same time.
const MaxBackground = 256

// background is work that continues after its request's response.
type background struct {
	limit   chan struct{}
	running sync.WaitGroup
}

// Go runs work that continues after its request's response, with the same trace and forwarded headers. The client's disconnect does not
// cancel it. At most MaxBackground run at the same time; false means that the limit is reached and work has not started. Run waits for all
// of them, and cancels them after SHUTDOWN_TIMEOUT, before it flushes and returns. Read route parameters before calling Go: chi reuses
// their memory.
func (s *Service) Go(ctx context.Context, work func(context.Context)) bool {
	b := &s.background
	select {
	case b.limit <- struct{}{}:
	default:
		return false
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(s.state.ctx, cancel)
	b.running.Go(func() {
		defer func() {
			if panicked := recover(); panicked != nil { // as in a handler, no request ends the process
				s.logPanic(ctx, "work in the background panicked", panicked)
			}
			stop()
			cancel()
			<-b.limit
		}()
		work(ctx)
	})
	return true
}

// wait waits until all work has ended, or until ctx ends.
func (b *background) wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		b.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
