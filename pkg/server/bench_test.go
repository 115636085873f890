package server

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/hopline/hopline/pkg/answer"
	"github.com/hopline/hopline/pkg/config"
)

// BenchmarkRequest measures one fully instrumented request (sampled span exported to a collector over HTTP, exemplars, access log)
// against the same handler on a bare chi router. The two alternate, so that what else the machine does falls on both.
func BenchmarkRequest(b *testing.B) {
	full, bare := instrumented(b), plainRouter()
	b.Run("paired", func(b *testing.B) {
		b.ReportAllocs()
		var took [2]time.Duration
		for b.Loop() {
			for i, h := range []http.Handler{full, bare} {
				began := time.Now()
				for range 100 {
					exercise(h)
				}
				took[i] += time.Since(began)
			}
		}
		n := float64(b.N) * 100
		b.ReportMetric(float64(took[0])/n, "ns/instrumented")
		b.ReportMetric(float64(took[1])/n, "ns/bare")
		b.ReportMetric(float64(took[0])/float64(took[1]), "ratio")
	})
	for name, h := range map[string]http.Handler{"instrumented": full, "bare": bare} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				exercise(h)
			}
		})
	}
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

// instrumented is a service's router as Open makes it.
func instrumented(tb testing.TB, env ...string) *Service {
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
	}))
	s, code := Open(Process{
		Env:      append([]string{"OTEL_EXPORTER_ZIPKIN_ENDPOINT=" + collector.URL, "OTEL_BSP_MAX_QUEUE_SIZE=100000"}, env...),
		Hostname: "bench", Stdout: io.Discard, Stderr: io.Discard,
	}, config.About{Name: "bench"}, &Config{})
	if s == nil {
		tb.Fatalf("Open ended with code %d", code)
	}
	tb.Cleanup(func() {
		s.flush()
		s.Client.Close()
		collector.Close()
	})
	s.Get("/hello", benchHello)
	return s
}
