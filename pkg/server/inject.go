package server

import (
	"context"
	"net/http"
	"time"

	"github.com/hopline/hopline/pkg/answer"
	"github.com/hopline/hopline/pkg/fault"
	"github.com/hopline/hopline/pkg/header"
)

// Kinds of faults in headers, logs, span attributes and metrics.
const (
	faultError   = "error"
	faultDrop    = "drop"
	faultLatency = "latency"
)

// inject carries out the fault plan in the order latency, drop, error. It skips /health and /crash; the admin listener does not use it.
func (s *Service) inject(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" || r.URL.Path == "/crash" {
			next.ServeHTTP(w, r)
			return
		}
		plan, err := s.faults.Plan(r.Header)
		if err != nil {
			answer.Text(w, http.StatusBadRequest, err.Error())
			return
		}
		if plan == (fault.Plan{}) || !s.fail(w, r, plan) {
			next.ServeHTTP(w, r)
		}
	})
}

// fail carries out a plan and reports whether that ended the request. The request has not been routed yet: fail looks its route up, so that
// the request is counted there.
func (s *Service) fail(w http.ResponseWriter, r *http.Request, plan fault.Plan) bool {
	recordFrom(r.Context()).pattern = patternOf(r)
	if plan.Latency > 0 {
		s.injected(w, r, faultLatency)
		if !wait(r.Context(), plan.Latency) {
			return true // the client has disconnected
		}
	}
	switch {
	case plan.Drop:
		s.injected(w, r, faultDrop)
		panic(http.ErrAbortHandler) // net/http closes the connection
	case plan.Empty:
		s.injected(w, r, faultError)
		w.WriteHeader(http.StatusInternalServerError)
	case plan.Error:
		s.injected(w, r, faultError)
		answer.Text(w, http.StatusInternalServerError, http.StatusText(http.StatusInternalServerError))
	}
	return plan.Error
}

// injected records a fault as intended: on the response, in span and log, and in its own metric.
func (s *Service) injected(w http.ResponseWriter, r *http.Request, kind string) {
	s.metrics.faults.WithLabelValues(kind).Inc()
	w.Header().Add(header.Injected, s.Identity().Service+" "+kind)
	x := recordFrom(r.Context())
	if x.faults != "" {
		kind = x.faults + "," + kind
	}
	x.faults = kind
}

// wait waits for d, or reports false when ctx ends first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
