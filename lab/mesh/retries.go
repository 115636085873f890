package mesh

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	networking "istio.io/api/networking/v1alpha3"
)

// defaultRetryOn holds Istio's retry conditions for a rule that sets none: failures that cannot have reached the application. Istio also
// names retriable-status-codes, but no codes.
const defaultRetryOn = "connect-failure,refused-stream,unavailable,cancelled"

// retryWords returns the conditions by Envoy's names, in the order of the flags.
// (https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#x-envoy-retry-on)
func retryWords() []string {
	return []string{"5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "envoy-ratelimited", "retriable-4xx",
		"refused-stream", "retriable-status-codes", "retriable-headers", "http3-post-connect-failure",
		"cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable"} // in the order of the flags
}

// String lists the conditions as in x-envoy-retry-on.
func (on RetryOn) String() string {
	var words []string
	for i, word := range retryWords() {
		if on&(1<<i) != 0 {
			words = append(words, word)
		}
	}
	return strings.Join(words, ",")
}

// newRetries compiles a retry policy; nil means Istio's default, two retries. hashed reports whether a consistent hash picks the endpoint:
// then a retry does not prefer other endpoints by default.
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

// parseRetryOn reads a comma-separated list of conditions and status codes. A code also sets retriable-status-codes.
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
		flag := slices.Index(retryWords(), word)
		if flag < 0 {
			return 0, nil, fmt.Errorf("want conditions of Envoy's or status codes, got %q", word)
		}
		on |= 1 << flag
	}
	return on, codes, nil
}
