package proxy

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/hopline/hopline/lab/istio"
)

const (
	defaultBackoff = 25 * time.Millisecond // Envoy's
	maxBackoff     = 10                    // times the base
	pickAgain      = 5                     // Istio's host_selection_retry_max_attempts
)

// retry reports whether another try follows one that ended with f, and counts it.
func (x *exchange) retry(f failure) bool {
	x.releaseRetry()
	if x.retries.Attempts == 0 || !x.retriable(f) {
		return false
	}
	if x.attempts > x.retries.Attempts {
		x.flags |= flagRetryLimit
		return false
	}
	if x.body != nil && !x.body.replayable() {
		return false
	}
	if now, limit := x.cluster.retries.Add(1), x.cluster.Pool.MaxRetries; limit > 0 && int(now) > limit {
		x.cluster.retries.Add(-1)
		x.flags |= flagOverflow
		return false
	}
	x.retrying = true
	return true
}

// releaseRetry decrements the number of active retries if this try is one of them.
func (x *exchange) releaseRetry() {
	if x.retrying {
		x.cluster.retries.Add(-1)
		x.retrying = false
	}
}

// retriable reports whether the policy names the outcome. It follows Envoy's RetryStateImpl.
func (x *exchange) retriable(f failure) bool {
	on := x.retries.On
	switch f {
	case none:
		return x.retriableAnswer(on)
	case overflow, clientGone, malformed, stalled, noHealthy, routeTimeout:
		return false
	case connectFailed, connectTimeout:
		return on&(istio.RetryOn5xx|istio.RetryOnGatewayError|istio.RetryOnReset|istio.RetryOnResetBeforeRequest|istio.RetryOnConnectFailure) != 0
	}
	return on&(istio.RetryOn5xx|istio.RetryOnGatewayError|istio.RetryOnReset) != 0
}

func (x *exchange) retriableAnswer(on istio.RetryOn) bool {
	code := x.resp.Status
	if x.resp.Get("X-Envoy-Ratelimited") != "" {
		return on&istio.RetryOnEnvoyRatelimited != 0
	}
	switch {
	case on&istio.RetryOn5xx != 0 && code >= 500 && code < 600,
		on&istio.RetryOnGatewayError != 0 && code >= 502 && code <= 504,
		on&istio.RetryOnRetriable4xx != 0 && code == 409,
		on&istio.RetryOnRetriableStatusCodes != 0 && slices.Contains(x.retries.StatusCodes, code):
		return true
	}
	const grpc = istio.RetryOnGRPCCancelled | istio.RetryOnGRPCDeadlineExceeded | istio.RetryOnGRPCInternal |
		istio.RetryOnGRPCResourceExhausted | istio.RetryOnGRPCUnavailable
	if on&grpc == 0 {
		return false
	}
	n, err := strconv.Atoi(x.resp.Get("Grpc-Status"))
	return err == nil && on&grpcConditions[n] != 0
}

// grpcConditions maps gRPC status codes to the retry conditions that name them.
var grpcConditions = map[int]istio.RetryOn{
	1: istio.RetryOnGRPCCancelled, 4: istio.RetryOnGRPCDeadlineExceeded, 8: istio.RetryOnGRPCResourceExhausted,
	13: istio.RetryOnGRPCInternal, 14: istio.RetryOnGRPCUnavailable,
}

// backoff waits before the next try, for a random time below a bound that doubles with each try, up to ten times the base.
func (x *exchange) backoff() failure {
	base := x.retries.Backoff
	if base <= 0 {
		base = defaultBackoff
	}
	bound := maxBackoff * base
	if n := x.attempts - 1; n < 4 {
		bound = min(bound, base<<n)
	}
	if x.sleep(rand.N(bound), x.deadlines.at()) {
		return none
	}
	if x.gone() {
		return clientGone
	}
	return routeTimeout
}
