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

// servers holds the lab's HTTP servers, each with its listener.
type servers struct {
	running map[net.Listener]*http.Server
	wait    sync.WaitGroup
	failed  chan error // the first error of a server that was not closed
}

// newServer returns a server for the lab's own pages and APIs. The handlers bound the bodies; responses may be streams.
func newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: log.New(io.Discard, "", 0), // clients that disconnect
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

// shutdown waits for the requests of one server to finish, until ctx ends.
func (s *servers) shutdown(ctx context.Context, listener net.Listener) {
	if server := s.running[listener]; server != nil && server.Shutdown(ctx) != nil {
		_ = server.Close()
	}
}

// close closes all servers.
func (s *servers) close() {
	for _, server := range s.running {
		_ = server.Close()
	}
	s.wait.Wait()
}
