package server

import (
	"context"
	"fmt"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"go.uber.org/zap"

	"github.com/hopline/hopline/pkg/config"
	"github.com/hopline/hopline/pkg/fault"
	"github.com/hopline/hopline/pkg/relay"
	"github.com/hopline/hopline/pkg/telemetry"
)

// Service is one service in a process. The program adds handlers to its router between Open and Run.
type Service struct {
	chi.Router // the application: its routes, with all middleware around them

	Telemetry *telemetry.Telemetry
	Client    *relay.Client // for calls to upstreams

	process    Process
	config     *Config
	build      buildInfo
	faults     *fault.Injector
	metrics    *metrics
	servedBy   string
	timingName string
	state      state
	background background

	bodyTimeout time.Duration // BodyTimeout, except in a test
}

// ExitFailure is the exit code of a service that cannot run: a port is in use, or an exporter cannot be made.
const ExitFailure = 1

// Open reads the configuration into cfg, a pointer to a struct that embeds Config, and sets up telemetry, faults and the router with all
// middleware. An error is a config.ExitError whose message has already been written. The program ends with its code: 0 after --help, 2
// after invalid settings, 0 or 1 after --healthy.
func Open(p Process, program config.Program, cfg Settings) (*Service, error) {
	service := program.Name
	if name, ok := config.Lookup(p.Env, "OTEL_SERVICE_NAME"); ok && name != "" {
		service = name // the standard's variable; SERVICE_NAME takes precedence
	}
	source := config.Source{
		Args: p.Args, Env: p.Env, Stdout: p.Stdout, Stderr: p.Stderr,
		Vars: map[string]string{"service": service, "hostname": p.Hostname},
	}
	misspelt, err := config.Load(source, program, cfg)
	if err != nil {
		return nil, err
	}
	common := cfg.Common()
	if common.Healthy {
		return nil, checkHealth(p, common)
	}
	tel, err := telemetry.Setup(&common.Config, p.Stdout)
	if err != nil {
		fmt.Fprintf(p.Stderr, "telemetry: %v\n", err)
		return nil, config.ExitError{Code: ExitFailure}
	}
	for _, m := range misspelt {
		tel.Logger.Warn("no setting reads this variable", zap.String("variable", m.Variable), zap.String("meant", m.Meant))
	}
	return newService(p, common, tel), nil
}

func newService(p Process, common *Config, tel *telemetry.Telemetry) *Service {
	s := &Service{
		Router:    chi.NewRouter(),
		Telemetry: tel,
		Client:    relay.NewClient(tel, relay.Options{Env: p.Env}),

		process:  p,
		config:   common,
		build:    newBuildInfo(tel.Identity),
		faults:   fault.New(tel.Identity.Service, common.Faults),
		metrics:  newMetrics(tel.Registry),
		servedBy: tel.Identity.ServedBy(),

		bodyTimeout: BodyTimeout,
	}
	s.state.ctx, s.state.cancel = context.WithCancel(context.Background())
	s.timingName = timingName(tel.Identity)
	tel.Registry.MustRegister(s.build.collector())
	s.background.limit = make(chan struct{}, MaxBackground)
	s.Use(
		s.observe,            // outermost: span, ids and access log cover everything within, including panics and faults
		s.metrics.instrument, // counts the outcome that settle determined
		s.settle,             // no panic passes it
		s.limit,              // before anything reads the body
		s.inject,             // faults: they are observed, and the handler does not run if one ends the request
		middleware.GetHead,   // HEAD uses the handler of GET
	)
	s.NotFound(notFound)
	s.MethodNotAllowed(notAllowed)
	return s
}

// Identity returns the identity of this process.
func (s *Service) Identity() telemetry.Identity { return s.Telemetry.Identity }

// Log returns the logger for an event of a request; its lines have the trace id.
func (s *Service) Log(ctx context.Context) *zap.Logger { return s.Telemetry.Log(ctx) }

// Exit ends the process immediately with code, and loses what is in flight, as a crash does.
func (s *Service) Exit(code int) { s.process.Exit(code) }
