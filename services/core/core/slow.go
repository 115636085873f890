package core

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/hopline/hopline/pkg/answer"
	"github.com/hopline/hopline/pkg/server"
)

// slowEndpoint simulates work.
type slowEndpoint struct {
	service  *server.Service
	duration time.Duration
}

// get handles GET /slow-endpoint. It stops early if the client has disconnected, because no client would read the response.
func (s slowEndpoint) get(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	if s.transform(r.Context()) != nil {
		return
	}
	answer.Text(w, http.StatusOK, fmt.Sprintf("I am a slow request that took %.2f seconds to complete.", time.Since(began).Seconds()))
}

// transform waits inside a span of its own.
func (s slowEndpoint) transform(ctx context.Context) error {
	ctx, span := s.service.Telemetry.Tracer.Start(ctx, "data_transformation")
	defer span.End()
	s.service.Log(ctx).Info("Calling the slow function 'data_transformation'")
	timer := time.NewTimer(s.duration)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fast handles GET /fast-endpoint.
func fast(w http.ResponseWriter, _ *http.Request) {
	answer.Text(w, http.StatusOK, "I am a fast request")
}
