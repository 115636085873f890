package front

import (
	"context"
	"io"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/hopline/hopline/pkg/answer"
	"github.com/hopline/hopline/pkg/relay"
	"github.com/hopline/hopline/pkg/server"
)

// fastTimeout is the timeout of the background call. No request waits for it, so it may exceed the longest injected latency.
const fastTimeout = time.Minute

// fastPage responds immediately. Its call to the upstream continues in the background, in the same trace.
func fastPage(svc *server.Service, middle *relay.Upstream) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		started := svc.Go(r.Context(), func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, fastTimeout)
			defer cancel()
			callFast(ctx, svc.Log(ctx), middle)
		})
		if !started {
			svc.Log(r.Context()).Warn("Too many calls in the background: this one is not made", zap.Int("most", server.MaxBackground))
		}
		answer.Text(w, http.StatusOK, "Hello Fast!")
	}
}

func callFast(ctx context.Context, log *zap.Logger, middle *relay.Upstream) {
	resp, err := middle.Get(ctx, "/fast-endpoint", "Accept", "text/plain")
	if err != nil {
		log.Warn("The call in the background failed", zap.Error(err))
		return
	}
	defer resp.Body.Close()
	// Read it to the end, so that the connection can be reused.
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, longestResponse))
	log.Info("The call in the background got a response", zap.Int("code", resp.StatusCode), zap.Error(err))
}
