package server

import (
	"net/http"
	"net/http/pprof"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hopline/hopline/pkg/answer"
)

// admin is the handler of ADMIN_PORT: what operators and Prometheus use. It is on no Service, is not traced, and has no faults.
func (s *Service) admin() http.Handler {
	r := chi.NewRouter()
	r.Handle("/metrics", promhttp.HandlerFor(s.Telemetry.Registry, promhttp.HandlerOpts{
		Registry:          s.Telemetry.Registry,
		EnableOpenMetrics: true, // exemplars show in no other form
	}))
	r.Get("/livez", func(w http.ResponseWriter, _ *http.Request) { answer.Text(w, http.StatusOK, "alive") })
	r.Get("/readyz", s.readyz)
	r.Get("/version", func(w http.ResponseWriter, _ *http.Request) { answer.JSON(w, http.StatusOK, s.build) })
	r.Handle("/loglevel", http.MaxBytesHandler(s.Telemetry.Level, 4096))
	r.Handle("/faults", s.faults)
	r.HandleFunc("/debug/pprof/*", pprof.Index)
	r.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	r.HandleFunc("/debug/pprof/profile", pprof.Profile)
	r.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	r.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return s.limit(r)
}

func (s *Service) readyz(w http.ResponseWriter, _ *http.Request) {
	switch {
	case s.state.draining.Load():
		answer.Text(w, http.StatusServiceUnavailable, "stopping")
	case !s.state.ready.Load():
		answer.Text(w, http.StatusServiceUnavailable, "starting")
	default:
		answer.Text(w, http.StatusOK, "ready")
	}
}
