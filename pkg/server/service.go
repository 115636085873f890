// Package server is the shell around a service's handlers: settings, telemetry, faults, the application's and the admin's listener,
// and a stop that loses no request.
package server

import (
	"context"

	"github.com/go-chi/chi/v5"
	"go.uber.org/zap"

	"github.com/hopline/hopline/pkg/config"
	"github.com/hopline/hopline/pkg/relay"
	"github.com/hopline/hopline/pkg/telemetry"
)

// Service is one service in a process. Handlers are added to its router between Open and Run.
type Service struct {
	chi.Router // the application's routes; all middleware is in place already

	Telemetry *telemetry.Telemetry
	Client    *relay.Client // for calls to upstreams
}

// Open reads the configuration into cfg, a pointer to a struct that embeds Config, and sets up telemetry, faults and the router
// with all middleware. When it returns nil the program ends with the exit code beside it: 0 after --help, 2 after a bad setting.
func Open(p Process, about config.About, cfg Settings) (*Service, int) { return nil, 2 }

// Identity is who this process is.
func (s *Service) Identity() telemetry.Identity { return s.Telemetry.Identity }

// Log is the logger for an event of a request; its lines carry the trace.
func (s *Service) Log(ctx context.Context) *zap.Logger { return s.Telemetry.Log(ctx) }

// Go runs work of a request that shall outlive its answer: same trace and forwarded headers, no longer cancelled when the client goes. At most
// MaxBackground run at once; false means that there is no room and work was not started. Run waits for all before it flushes and returns.
func (s *Service) Go(ctx context.Context, work func(context.Context)) bool { return false }

// MaxBackground bounds the work that Go runs at once.
const MaxBackground = 256

// Run serves until a signal, drains, and returns the exit code.
func (s *Service) Run() int { return 0 }
