package server

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/zap"
)

// state is the phase of the service's life.
type state struct {
	ready    atomic.Bool
	draining atomic.Bool
	ctx      context.Context // of all requests; ends when their time to finish is over
	cancel   context.CancelFunc
}

// Run listens, serves until a signal, stops, and returns the exit code.
func (s *Service) Run() int {
	defer s.state.cancel()
	app, admin, err := s.listen()
	if err != nil {
		fmt.Fprintln(s.process.Stderr, err)
		s.flush()
		return ExitFailure
	}
	appServer := s.newServer(s.state.ctx, s)
	adminServer := s.newServer(context.Background(), s.admin())
	failed := make(chan error, 2)
	go serve(appServer, app, failed)
	go serve(adminServer, admin, failed)
	s.started(app.Addr(), admin.Addr())

	exit := 0
	select {
	case got := <-s.process.Signals:
		exit = s.stop(appServer, got)
	case err := <-failed:
		s.Telemetry.Logger.Error("cannot serve any longer", zap.Error(err))
		s.flush()
		exit = ExitFailure
	}
	_ = appServer.Close()
	_ = adminServer.Close()
	s.Client.Close()
	return exit
}

// listen opens both ports. A port in use prevents the start, and the number chosen for port 0 is known before it is reported.
func (s *Service) listen() (app, admin net.Listener, err error) {
	if app, err = s.listenOn("PORT", s.config.Port); err != nil {
		return nil, nil, err
	}
	if admin, err = s.listenOn("ADMIN_PORT", s.config.AdminPort); err != nil {
		app.Close()
		return nil, nil, err
	}
	return app, admin, nil
}

func (s *Service) listenOn(variable string, port int) (net.Listener, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(s.config.ListenHost, strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("%s: want a port that is free, got %q: %w", variable, strconv.Itoa(port), err)
	}
	return listener, nil
}

// newServer returns a server with limits on what a client can do.
func (s *Service) newServer(base context.Context, handler http.Handler) *http.Server {
	const slack = 4096 // net/http reads that much beyond its limit
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		MaxHeaderBytes:    MaxHeader - slack,
		IdleTimeout:       s.config.IdleTimeout,
		BaseContext:       func(net.Listener) context.Context { return base },
		ErrorLog:          log.New(complaints{s.Telemetry.Logger}, "", 0),
	}
}

// complaints writes net/http's messages about clients to the log, where they are escaped.
type complaints struct{ logger *zap.Logger }

// Write implements io.Writer.
func (c complaints) Write(line []byte) (int, error) {
	c.logger.Debug("net/http", zap.ByteString("remark", line))
	return len(line), nil
}

func serve(server *http.Server, listener net.Listener, failed chan<- error) {
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		failed <- err
	}
}

// started logs the addresses and reports ready.
func (s *Service) started(app, admin net.Addr) {
	s.state.ready.Store(true)
	s.Telemetry.Logger.Info("started", zap.String("host", s.Identity().Host), zap.Stringer("address", app), zap.Stringer("admin", admin))
	if s.process.Listening != nil {
		s.process.Listening(app, admin)
	}
}

// stop lets all requests in flight finish. A second signal ends it immediately.
func (s *Service) stop(app *http.Server, got os.Signal) int {
	s.Telemetry.Logger.Info("stopping", zap.Stringer("signal", got))
	s.state.draining.Store(true) // /readyz reports it from now on, and responses close their connections
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.drain(app)
		s.Telemetry.Logger.Info("stopped")
		s.flush()
	}()
	select {
	case <-stopped:
		return 0
	case second := <-s.process.Signals:
		s.Telemetry.Logger.Warn("ended by a second signal", zap.Stringer("signal", second))
		s.state.cancel()
		return exitBySignal(second)
	}
}

// drain serves for DRAIN_DELAY longer. Then it accepts no new connection, waits for requests and background work, and cancels them after
// SHUTDOWN_TIMEOUT.
//
// Idle connections stay open during the delay: closing one while a proxy sends a request on it would fail that request, and a proxy does
// not retry it. They end with a response that has Connection: close.
func (s *Service) drain(app *http.Server) {
	if !wait(s.state.ctx, s.config.DrainDelay) {
		return
	}
	ctx, cancel := context.WithTimeout(s.state.ctx, s.config.ShutdownTimeout)
	defer cancel()
	err := app.Shutdown(ctx)
	if err == nil {
		err = s.background.wait(ctx)
	}
	if err == nil {
		return
	}
	s.Telemetry.Logger.Warn("cancelling what is still in flight", zap.Duration("after", s.config.ShutdownTimeout))
	s.state.cancel()
	last, cancelLast := context.WithTimeout(context.Background(), cancelGrace)
	defer cancelLast()
	_ = app.Shutdown(last)
	_ = s.background.wait(last)
}

// cancelGrace limits how long handlers may take to end after they were cancelled.
const cancelGrace = time.Second

// flushTimeout limits the export of the last spans, so that an unresponsive collector does not delay the exit.
const flushTimeout = 5 * time.Second

func (s *Service) flush() {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	if err := s.Telemetry.Shutdown(ctx); err != nil {
		s.Telemetry.Logger.Warn("some spans or logs may be lost", zap.Error(err))
	}
}

// exitBySignal follows the shell's convention: 128 plus the signal's number.
func exitBySignal(got os.Signal) int {
	if number, ok := got.(syscall.Signal); ok {
		return 128 + int(number)
	}
	return ExitFailure
}
