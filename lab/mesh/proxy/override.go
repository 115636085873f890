package proxy

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/mesh"
)

// override takes the timeout and the retries that a request asks for itself by Envoy's x-envoy-* headers, which the upstream does not see. At the edge they
// have been removed already.
func (x *exchange) override() {
	h := x.r.Header
	if ms, ok := takeNumber(h, "X-Envoy-Upstream-Rq-Timeout-Ms"); ok {
		x.timeout = time.Duration(ms) * time.Millisecond
	}
	if ms, ok := takeNumber(h, "X-Envoy-Upstream-Rq-Per-Try-Timeout-Ms"); ok {
		x.retries.PerTry = time.Duration(ms) * time.Millisecond
	}
	words := value(h, "X-Envoy-Retry-On") + "," + value(h, "X-Envoy-Retry-Grpc-On")
	if words != "," {
		delete(h, "X-Envoy-Retry-On")
		delete(h, "X-Envoy-Retry-Grpc-On")
		for w := range strings.SplitSeq(words, ",") {
			x.retries.On |= retryWords[strings.TrimSpace(w)]
		}
		x.retries.Attempts = max(x.retries.Attempts, 1)
	}
	if n, ok := takeNumber(h, "X-Envoy-Max-Retries"); ok {
		x.retries.Attempts = n
	}
	if v := value(h, "X-Envoy-Retriable-Status-Codes"); v != "" {
		delete(h, "X-Envoy-Retriable-Status-Codes")
		codes := append([]int(nil), x.retries.StatusCodes...)
		for s := range strings.SplitSeq(v, ",") {
			if n, err := strconv.Atoi(strings.TrimSpace(s)); err == nil {
				codes = append(codes, n)
			}
		}
		x.retries.StatusCodes = codes
	}
}

// takeNumber removes a header and gives its value if that is a number of at most a thousand million.
func takeNumber(h http.Header, name string) (int, bool) {
	v := value(h, name)
	if v == "" {
		return 0, false
	}
	delete(h, name)
	n, err := strconv.ParseUint(v, 10, 32)
	return int(n), err == nil && n <= 1_000_000_000
}

// retryWords are Envoy's names of the conditions.
var retryWords = map[string]mesh.RetryOn{
	"5xx": mesh.RetryOn5xx, "gateway-error": mesh.RetryOnGatewayError, "reset": mesh.RetryOnReset,
	"reset-before-request": mesh.RetryOnResetBeforeRequest, "connect-failure": mesh.RetryOnConnectFailure,
	"envoy-ratelimited": mesh.RetryOnEnvoyRatelimited, "retriable-4xx": mesh.RetryOnRetriable4xx,
	"refused-stream": mesh.RetryOnRefusedStream, "retriable-status-codes": mesh.RetryOnRetriableStatusCodes,
	"retriable-headers": mesh.RetryOnRetriableHeaders, "http3-post-connect-failure": mesh.RetryOnHTTP3PostConnectFailure,
	"cancelled": mesh.RetryOnGRPCCancelled, "deadline-exceeded": mesh.RetryOnGRPCDeadlineExceeded, "internal": mesh.RetryOnGRPCInternal,
	"resource-exhausted": mesh.RetryOnGRPCResourceExhausted, "unavailable": mesh.RetryOnGRPCUnavailable,
}
