package up

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// servers are the lab's HTTP servers, each with its listener.
type servers struct {
	running map[net.Listener]*http.Server
	wait    sync.WaitGroup
	failed  chan error // the first that failed by itself
}

// newServer is a server for the lab's own pages and APIs. Bodies are bounded by the handlers; answers may be streams.
func newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: log.New(io.Discard, "", 0), // clients that break off
	}
}

// start serves on a listener until shutdown or close.
func (s *servers) start(server *http.Server, listener net.Listener) {
	if s.running == nil {
		s.running, s.failed = map[net.Listener]*http.Server{}, make(chan error, 1)
	}
	s.running[listener] = server
	s.wait.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			select {
			case s.failed <- err:
			default:
			}
		}
	})
}

// shutdown lets the requests of one server finish, until ctx ends.
func (s *servers) shutdown(ctx context.Context, listener net.Listener) {
	if server := s.running[listener]; server != nil && server.Shutdown(ctx) != nil {
		_ = server.Close()
	}
}

// close ends all.
func (s *servers) close() {
	for _, server := range s.running {
		_ = server.Close()
	}
	s.wait.Wait()
}
