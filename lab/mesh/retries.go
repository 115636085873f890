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

// defaultRetryOn is what Istio retries on when a rule does not say: what cannot have reached the application. It names
// retriable-status-codes as well, though no codes.
const defaultRetryOn = "connect-failure,refused-stream,unavailable,cancelled"

// retryWords are the conditions by Envoy's names.
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
		flag := slices.Index(retryWords(), word)
		if flag < 0 {
			return 0, nil, fmt.Errorf("want conditions of Envoy's or status codes, got %q", word)
		}
		on |= 1 << flag
	}
	return on, codes, nil
}
