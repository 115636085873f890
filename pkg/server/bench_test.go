package server

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/contrib/propagators/b3"
	"go.opentelemetry.io/otel/exporters/zipkin" //nolint:staticcheck // deprecated, and still the most used
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/hopline/hopline/pkg/answer"
	"github.com/hopline/hopline/pkg/config"
)

// subject is one of the applications under comparison.
type subject struct {
	name  string
	h     http.Handler
	flush func(context.Context) error // exports the spans that are still queued
}

func subjects(b *testing.B) []subject {
	full := instrumented(b)
	otlp := instrumented(b, "OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_ENDPOINT="+sink(b))
	kept := instrumented(b, "OTEL_TRACES_EXPORTER=none")
	shelf, flush := usual(b)
	return []subject{
		{"bare", plainRouter(), func(context.Context) error { return nil }},
		{"instrumented", full, full.Telemetry.Flush},
		{"usual", shelf, flush},
		{"otlp", otlp, otlp.Telemetry.Flush},
		{"unexported", kept, kept.Telemetry.Flush},
	}
}

// BenchmarkRequest measures one fully instrumented request (sampled span exported to a collector over HTTP, exemplars, access log) against
// the same handler on a bare chi router, and against the same telemetry in its usual assembly. "recorder" calls the handler directly,
// "wire" sends requests over a kept connection. Both count processor time, including garbage collector, client, exporter and collector.
// "otlp" exports by OTLP instead of Zipkin's format; "unexported" makes spans and exports none. The subjects alternate; a ratio is the
// ratio of the sums.
func BenchmarkRequest(b *testing.B) {
	all := subjects(b)
	b.Run("recorder", func(b *testing.B) {
		compare(b, all, func(s subject) { exercise(s.h) })
	})
	b.Run("wire", func(b *testing.B) { compare(b, all, overWire(b, all)) })
	for _, s := range all {
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				exercise(s.h)
			}
		})
	}
}

// overWire starts a server for each subject, and returns a function that sends a request over a kept connection.
func overWire(b *testing.B, all []subject) func(subject) {
	servers := map[string]*httptest.Server{}
	for _, s := range all {
		servers[s.name] = httptest.NewServer(s.h)
		b.Cleanup(servers[s.name].Close)
	}
	return func(s subject) {
		resp, err := servers[s.name].Client().Get(servers[s.name].URL + "/hello")
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}

// compare reports the processor time of a request to each subject, and its ratio to the first.
func compare(b *testing.B, all []subject, request func(subject)) {
	took := alternate(b, all, request)
	for i, s := range all {
		b.ReportMetric(took[i], "ns/"+s.name)
		if i > 0 {
			b.ReportMetric(took[i]/took[0], s.name+"/"+all[0].name)
		}
	}
}

// alternate sends rounds of requests to each subject in turn, and returns the processor time of a request to each, in nanoseconds.
func alternate(b *testing.B, all []subject, request func(subject)) []float64 {
	const requests = 1000
	took := make([]float64, len(all))
	for b.Loop() {
		for i, s := range all {
			began := cpuTime()
			for range requests {
				request(s)
			}
			if err := s.flush(b.Context()); err != nil {
				b.Fatal(err)
			}
			took[i] += float64(cpuTime() - began)
		}
	}
	for i := range took {
		took[i] /= float64(b.N) * requests
	}
	return took
}

func exercise(h http.Handler) {
	r := httptest.NewRequest(http.MethodGet, "/hello", nil)
	r.Header.Set("User-Agent", "bench")
	r.Header.Set("Accept", "*/*")
	h.ServeHTTP(httptest.NewRecorder(), r)
}

func plainRouter() http.Handler {
	router := chi.NewRouter()
	router.Get("/hello", benchHello)
	return router
}

func benchHello(w http.ResponseWriter, _ *http.Request) {
	answer.Raw(w, http.StatusOK, "application/json", `{"hello":"world!"}`+"\n")
}

// sink starts a collector that accepts all spans and reads none.
func sink(tb testing.TB) string {
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
	}))
	tb.Cleanup(collector.Close)
	return collector.URL
}

// instrumented returns a service's application as Open makes it.
func instrumented(tb testing.TB, env ...string) *Service {
	s, err := Open(Process{
		Env:      append(env, "OTEL_EXPORTER_ZIPKIN_ENDPOINT="+sink(tb)),
		Hostname: "bench", Stdout: io.Discard, Stderr: io.Discard,
	}, config.Program{Name: "bench"}, &Config{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		s.state.cancel()
		s.flush()
		s.Client.Close()
	})
	s.Get("/hello", benchHello)
	return s
}

// usual returns the same telemetry from existing libraries: otelhttp, promhttp's instrumentation with exemplars, OpenTelemetry's Zipkin
// exporter and a zap line.
func usual(tb testing.TB) (http.Handler, func(context.Context) error) {
	exporter, err := zipkin.New(sink(tb))
	if err != nil {
		tb.Fatal(err)
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter))
	tb.Cleanup(func() {
		_ = provider.Shutdown(context.Background())
		http.DefaultClient.CloseIdleConnections()
	})
	logger := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(io.Discard), zap.InfoLevel), zap.AddCaller())
	labels := []string{"code", "method"}
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "requests_total"}, labels)
	duration := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "seconds", NativeHistogramBucketFactor: 1.1, Buckets: prometheus.DefBuckets}, labels)
	exemplar := promhttp.WithExemplarFromContext(func(ctx context.Context) prometheus.Labels {
		return prometheus.Labels{"trace_id": trace.SpanContextFromContext(ctx).TraceID().String()}
	})
	router := chi.NewRouter()
	router.Use(
		func(next http.Handler) http.Handler {
			return otelhttp.NewHandler(next, "", otelhttp.WithTracerProvider(provider), otelhttp.WithPropagators(b3.New()))
		},
		func(next http.Handler) http.Handler {
			return promhttp.InstrumentHandlerCounter(requests, next, exemplar)
		},
		func(next http.Handler) http.Handler {
			return promhttp.InstrumentHandlerDuration(duration, next, exemplar)
		},
		func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				began := time.Now()
				next.ServeHTTP(w, r)
				span := trace.SpanContextFromContext(r.Context())
				logger.Info("request", zap.String("trace_id", span.TraceID().String()), zap.String("span_id", span.SpanID().String()),
					zap.String("method", r.Method), zap.String("path", r.URL.Path), zap.Duration("took", time.Since(began)), zap.String("peer", r.RemoteAddr))
			})
		},
	)
	router.Get("/hello", benchHello)
	return router, provider.ForceFlush
}
