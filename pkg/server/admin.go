package server

import (
	"net/http"
	"net/http/pprof"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hopline/hopline/pkg/answer"
	"github.com/hopline/hopline/pkg/guard"
)

// admin returns the handler of ADMIN_PORT, for operators and Prometheus. No Service exposes it, it is not traced, and it has no faults.
// Prometheus and the kubelet call it by the pod's address, kubectl port-forward by localhost, containers by a name of one label.
func (s *Service) admin() http.Handler {
	r := chi.NewRouter()
	r.Handle("/metrics", promhttp.HandlerFor(s.Telemetry.Registry, promhttp.HandlerOpts{
		Registry:          s.Telemetry.Registry,
		EnableOpenMetrics: true, // only this format has exemplars
	}))
	r.Get("/livez", func(w http.ResponseWriter, _ *http.Request) { answer.Text(w, http.StatusOK, "alive") })
	r.Get("/readyz", s.readyz)
	r.Get("/version", func(w http.ResponseWriter, _ *http.Request) { answer.JSON(w, http.StatusOK, s.build) })
	r.Handle("/loglevel", http.MaxBytesHandler(s.Telemetry.Level, 4096))
	r.Handle("/faults", s.faults)
	r.Mount("/debug/pprof", guard.SameOrigin(profiles())) // a profile costs time and is started by a GET
	return guard.Handler(s.limit(r), append(s.config.AdminHosts, guard.AnyLabel, s.Identity().Host)...)
}

// profiles serves Go's profiles under /debug/pprof/.
func profiles() http.Handler {
	r := chi.NewRouter()
	r.HandleFunc("/*", pprof.Index)
	r.HandleFunc("/cmdline", pprof.Cmdline)
	r.HandleFunc("/profile", pprof.Profile)
	r.HandleFunc("/symbol", pprof.Symbol)
	r.HandleFunc("/trace", pprof.Trace)
	return r
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
