package server

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/hopline/hopline/pkg/answer"
	"github.com/hopline/hopline/pkg/config"
)

// BenchmarkRequest measures one fully instrumented request (sampled span exported to a collector over HTTP, exemplars, access log)
// against the same handler on a bare chi router. The two alternate in short rounds, so that what else the machine does falls on both,
// and the figures are those of the median round.
func BenchmarkRequest(b *testing.B) {
	full, bare := instrumented(b), plainRouter()
	b.Run("paired", func(b *testing.B) {
		const requests = 100
		var full100, bare100, ratios []float64
		for b.Loop() {
			f, p := measure(full, requests), measure(bare, requests)
			full100, bare100, ratios = append(full100, f), append(bare100, p), append(ratios, f/p)
		}
		b.ReportMetric(median(full100)/requests, "ns/instrumented")
		b.ReportMetric(median(bare100)/requests, "ns/bare")
		b.ReportMetric(median(ratios), "ratio")
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

// measure is how long so many requests take, in nanoseconds.
func measure(h http.Handler, requests int) float64 {
	began := time.Now()
	for range requests {
		exercise(h)
	}
	return float64(time.Since(began))
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
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
