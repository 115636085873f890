package telemetry

import (
	"context"
	"errors"
	"io"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Telemetry holds what Setup made.
type Telemetry struct {
	Identity   Identity
	Tracer     trace.Tracer
	Propagator propagation.TextMapPropagator
	Registry   *prometheus.Registry
	Logger     *zap.Logger     // for events outside of requests; see Log
	Level      zap.AtomicLevel // changed by /loglevel

	provider *sdk.TracerProvider
}

// Setup builds everything from cfg, which must be valid. Logs, and spans of the console exporter, are written to stdout.
func Setup(cfg *Config, stdout io.Writer) (*Telemetry, error) {
	t := &Telemetry{Identity: cfg.Identity(), Registry: newRegistry()}
	out := zapcore.Lock(zapcore.AddSync(stdout)) // shared, so that lines do not mix
	t.Logger, t.Level = newLogger(cfg, out)

	var err error
	if t.Propagator, err = newPropagator(cfg.Propagators); err != nil {
		return nil, err
	}
	if t.provider, err = newProvider(cfg, t, out); err != nil {
		return nil, err
	}
	t.Tracer = t.provider.Tracer("github.com/hopline/hopline/pkg")
	return t, nil
}

// newProvider returns a provider even if no span is exported: ids, propagation and the decisions of others still apply.
func newProvider(cfg *Config, t *Telemetry, stdout io.Writer) (*sdk.TracerProvider, error) {
	dropped := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "trace_spans_dropped_total",
		Help: "Spans lost because the queue was full or the exporter failed.",
	})
	t.Registry.MustRegister(dropped)

	exporter, err := newExporter(cfg, stdout)
	if err != nil {
		return nil, err
	}
	sampler, err := newSampler(&cfg.SDK)
	if err != nil {
		return nil, err
	}
	attributes, err := newResource(cfg)
	if err != nil {
		return nil, err
	}
	options := []sdk.TracerProviderOption{
		sdk.WithResource(attributes), sdk.WithSampler(sampler), sdk.WithRawSpanLimits(spanLimits(&cfg.SDK)),
	}
	if exporter != nil {
		options = append(options, sdk.WithSpanProcessor(newQueue(exporter, &cfg.SDK, dropped, t.Logger)))
	}
	return sdk.NewTracerProvider(options...), nil
}

// newResource returns the resource of all spans. It has no telemetry.sdk.*: in Zipkin's format every span
// repeats the resource, and the encoding of its tags is the largest part of what a span costs. It keeps the further attributes of OTEL_RESOURCE_ATTRIBUTES; the identity is set by its
// own variables.
func newResource(cfg *Config) (*resource.Resource, error) {
	more, err := parseAttributes(cfg.SDK.ResourceAttributes)
	if err != nil {
		return nil, err
	}
	id := cfg.Identity()
	return resource.New(context.Background(), resource.WithAttributes(more...), resource.WithAttributes(
		semconv.ServiceName(id.Service), semconv.ServiceVersion(id.Version), semconv.HostName(id.Host),
	))
}

func spanLimits(s *SDK) sdk.SpanLimits {
	return sdk.SpanLimits{
		AttributeValueLengthLimit:   s.SpanAttributeLength,
		AttributeCountLimit:         s.SpanAttributeCount,
		EventCountLimit:             s.SpanEventCount,
		LinkCountLimit:              s.SpanLinkCount,
		AttributePerEventCountLimit: s.EventAttributesCount,
		AttributePerLinkCountLimit:  s.LinkAttributesCount,
	}
}

// Flush returns when every span that ended before has been exported or lost.
func (t *Telemetry) Flush(ctx context.Context) error { return t.provider.ForceFlush(ctx) }

// Shutdown flushes spans and logs; ctx limits how long that may take.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	err := t.provider.Shutdown(ctx)
	if sync := t.Logger.Sync(); sync != nil && !isUnsyncable(sync) {
		err = errors.Join(err, sync)
	}
	return err
}

// isUnsyncable reports whether err is due to a terminal or pipe, which cannot be synced.
func isUnsyncable(err error) bool {
	return errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTTY) || errors.Is(err, syscall.ENOTSUP) || errors.Is(err, syscall.EBADF)
}
