// Package server is the shell around a service's handlers: settings, telemetry, faults, the application's and the admin's listener,
// and a stop that loses no request.
package server

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"go.uber.org/zap"

	"github.com/hopline/hopline/pkg/config"
	"github.com/hopline/hopline/pkg/fault"
	"github.com/hopline/hopline/pkg/relay"
	"github.com/hopline/hopline/pkg/telemetry"
)

// Service is one service in a process. Handlers are added to its router between Open and Run.
type Service struct {
	chi.Router // the application's routes; ServeHTTP puts all middleware around them

	Telemetry *telemetry.Telemetry
	Client    *relay.Client // for calls to upstreams

	process    Process
	config     *Config
	about      about
	faults     *fault.Injector
	metrics    *metrics
	access     access
	servedBy   []string
	timingName string
	state      state
	background background
	handler    http.Handler
	contexts   sync.Pool // of *chi.Context
	scratch    sync.Pool // of *scratch
}

// ExitFailure is the exit code when the service cannot run: a port that is taken, an exporter that cannot be made.
const ExitFailure = 1

// Open reads the configuration into cfg, a pointer to a struct that embeds Config, and sets up telemetry, faults and the router
// with all middleware. When it returns nil the program ends with the exit code beside it: 0 after --help, 2 after bad settings, 0
// or 1 after --healthy.
func Open(p Process, about config.About, cfg Settings) (*Service, int) {
	service := about.Name
	if name, ok := config.Lookup(p.Env, "OTEL_SERVICE_NAME"); ok && name != "" {
		service = name // the standard's variable; SERVICE_NAME goes before it
	}
	source := config.Source{
		Args: p.Args, Env: p.Env, Stdout: p.Stdout, Stderr: p.Stderr,
		Vars: map[string]string{"service": service, "hostname": p.Hostname},
	}
	if code, done := config.Load(source, about, cfg); done {
		return nil, code
	}
	common := cfg.Common()
	if common.Healthy {
		return nil, checkHealth(p, common)
	}
	tel, err := telemetry.Setup(&common.Config, p.Stdout)
	if err != nil {
		fmt.Fprintf(p.Stderr, "telemetry: %v\n", err)
		return nil, ExitFailure
	}
	return newService(p, common, tel), 0
}

func newService(p Process, common *Config, tel *telemetry.Telemetry) *Service {
	s := &Service{
		Router:    chi.NewRouter(),
		Telemetry: tel,
		Client:    relay.NewClient(tel, relay.Options{Env: p.Env}),

		process:  p,
		config:   common,
		about:    newAbout(tel.Identity),
		faults:   fault.New(tel.Identity.Service, common.Faults),
		metrics:  newMetrics(tel.Registry),
		access:   newAccess(tel.Logger),
		servedBy: []string{tel.Identity.ServedBy()},
	}
	s.state.ctx, s.state.cancel = context.WithCancel(context.Background())
	s.timingName = timingName(tel.Identity)
	tel.Registry.MustRegister(s.about.collector())
	s.background.limit = make(chan struct{}, MaxBackground)
	s.contexts.New = func() any { return chi.NewRouteContext() }
	s.scratch.New = func() any { return &scratch{} }
	s.handler = chi.Chain(
		s.observe,          // outermost: span, ids, metrics and access log see all that happens within, panics and faults included
		limitBody,          // before anything reads the body
		s.inject,           // faults: they are observed, and the handler does not run when one ends the request
		middleware.GetHead, // HEAD goes where GET goes
	).Handler(s.Router)
	s.NotFound(notFound)
	s.MethodNotAllowed(notAllowed)
	return s
}

// ServeHTTP is the application: middleware, then routes.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// routeContext is what chi routes a request with. To bring it along spares the copy of the request that chi would make to put
// its own into the context. Like chi's it is used again when the request is over.
func (s *Service) routeContext() *chi.Context {
	route := s.contexts.Get().(*chi.Context)
	route.Reset()
	route.Routes = s.Router
	return route
}

// Identity is who this process is.
func (s *Service) Identity() telemetry.Identity { return s.Telemetry.Identity }

// Log is the logger for an event of a request; its lines carry the trace.
func (s *Service) Log(ctx context.Context) *zap.Logger { return s.Telemetry.Log(ctx) }

// Exit ends the process with code at once, losing what is in flight, as a crash does.
func (s *Service) Exit(code int) { s.process.Exit(code) }
