package server

import (
	"context"
	"sync"
)

// MaxBackground bounds the work that Go runs at once.
const MaxBackground = 256

// background is work that outlives its request's answer.
type background struct {
	limit   chan struct{}
	running sync.WaitGroup
}

// Go runs work of a request that shall outlive its answer: same trace and forwarded headers, no longer cancelled when the client goes. At
// most MaxBackground run at once; false means that there is no room and work was not started. Run waits for all, and cancels them when
// SHUTDOWN_TIMEOUT is over, before it flushes and returns. Route parameters are gone by then, as chi uses their room again: read them
// before.
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
			if panicked := recover(); panicked != nil { // as in a handler: no request ends the process
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

// wait waits for all work, or for ctx.
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
