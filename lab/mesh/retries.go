package mesh

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	networking "istio.io/api/networking/v1alpha3"
)

// defaultRetryOn is what Istio retries on when a rule does not say: what cannot have reached the application. It names
// retriable-status-codes as well, though no codes.
const defaultRetryOn = "connect-failure,refused-stream,unavailable,cancelled"

// retryWords are the conditions by Envoy's names.
// (https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#x-envoy-retry-on)
func retryWord(word string) (RetryOn, bool) {
	switch word {
	case "5xx":
		return RetryOn5xx, true
	case "gateway-error":
		return RetryOnGatewayError, true
	case "reset":
		return RetryOnReset, true
	case "reset-before-request":
		return RetryOnResetBeforeRequest, true
	case "connect-failure":
		return RetryOnConnectFailure, true
	case "envoy-ratelimited":
		return RetryOnEnvoyRatelimited, true
	case "retriable-4xx":
		return RetryOnRetriable4xx, true
	case "refused-stream":
		return RetryOnRefusedStream, true
	case "retriable-status-codes":
		return RetryOnRetriableStatusCodes, true
	case "retriable-headers":
		return RetryOnRetriableHeaders, true
	case "http3-post-connect-failure":
		return RetryOnHTTP3PostConnectFailure, true
	case "cancelled":
		return RetryOnGRPCCancelled, true
	case "deadline-exceeded":
		return RetryOnGRPCDeadlineExceeded, true
	case "internal":
		return RetryOnGRPCInternal, true
	case "resource-exhausted":
		return RetryOnGRPCResourceExhausted, true
	case "unavailable":
		return RetryOnGRPCUnavailable, true
	}
	return 0, false
}

// newRetries compiles a retry policy; nil means Istio's default, two more tries. hashed says that a consistent hash picks the
// endpoint: then others are not preferred by default.
// (https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRetry)
func newRetries(r *networking.HTTPRetry, hashed bool) (Retries, error) {
	if r != nil && r.GetAttempts() <= 0 {
		return Retries{}, nil
	}
	out := Retries{Attempts: 2, Backoff: 25 * time.Millisecond, OtherHosts: !hashed}
	out.On, _, _ = parseRetryOn(defaultRetryOn)
	if r == nil {
		return out, nil
	}
	out.Attempts = int(r.GetAttempts())
	if r.GetRetryOn() != "" {
		var err error
		if out.On, out.StatusCodes, err = parseRetryOn(r.GetRetryOn()); err != nil {
			return out, fmt.Errorf("retryOn: %w", err)
		}
	}
	out.PerTry = r.GetPerTryTimeout().AsDuration()
	if r.GetBackoff() != nil {
		out.Backoff = r.GetBackoff().AsDuration()
	}
	if r.GetRetryIgnorePreviousHosts() != nil {
		out.OtherHosts = r.GetRetryIgnorePreviousHosts().GetValue()
	}
	return out, nil
}

// parseRetryOn reads a comma-separated list of conditions and status codes. A code brings retriable-status-codes with it.
func parseRetryOn(list string) (on RetryOn, codes []int, err error) {
	for _, word := range strings.Split(list, ",") {
		word = strings.TrimSpace(word)
		if word == "" {
			continue
		}
		if code, err := strconv.Atoi(word); err == nil && http.StatusText(code) != "" {
			codes = append(codes, code)
			on |= RetryOnRetriableStatusCodes
			continue
		}
		flag, ok := retryWord(word)
		if !ok {
			return 0, nil, fmt.Errorf("want conditions of Envoy's or status codes, got %q", word)
		}
		on |= flag
	}
	return on, codes, nil
}
