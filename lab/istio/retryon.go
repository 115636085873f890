package istio

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// RetryOn is the set of conditions of a retry.
type RetryOn uint32

// The conditions, in the order of RetryConditions.
const (
	RetryOn5xx RetryOn = 1 << iota
	RetryOnGatewayError
	RetryOnReset
	RetryOnResetBeforeRequest
	RetryOnConnectFailure
	RetryOnEnvoyRatelimited
	RetryOnRetriable4xx
	RetryOnRefusedStream
	RetryOnRetriableStatusCodes
	RetryOnRetriableHeaders
	RetryOnHTTP3PostConnectFailure
	RetryOnGRPCCancelled
	RetryOnGRPCDeadlineExceeded
	RetryOnGRPCInternal
	RetryOnGRPCResourceExhausted
	RetryOnGRPCUnavailable
)

// DefaultRetryOn holds Istio's retry conditions for a rule that sets none: failures that cannot have reached the application. Istio also
// names retriable-status-codes, but no codes.
const DefaultRetryOn = RetryOnConnectFailure | RetryOnRefusedStream | RetryOnGRPCUnavailable | RetryOnGRPCCancelled

// RetryConditions returns the conditions that Envoy supports in x-envoy-retry-on and x-envoy-retry-grpc-on, in the order of the constants.
// (https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#x-envoy-retry-on)
func RetryConditions() []string {
	return []string{"5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "envoy-ratelimited", "retriable-4xx",
		"refused-stream", "retriable-status-codes", "retriable-headers", "http3-post-connect-failure",
		"cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable"}
}

// String lists the conditions as in x-envoy-retry-on.
func (on RetryOn) String() string {
	var words []string
	for i, word := range RetryConditions() {
		if on&(1<<i) != 0 {
			words = append(words, word)
		}
	}
	return strings.Join(words, ",")
}

// ParseRetryOn reads a comma-separated list of conditions and status codes, as in a rule's retryOn. Spaces around a word and empty words are
// ignored. A code also sets retriable-status-codes.
func ParseRetryOn(list string) (on RetryOn, codes []int, err error) {
	for _, word := range strings.Split(list, ",") {
		word = strings.TrimSpace(word)
		if word == "" {
			continue
		}
		condition, code, ok := parseCondition(word)
		if !ok {
			return 0, nil, fmt.Errorf("want conditions of Envoy's or status codes, got %q", word)
		}
		on |= condition
		if code != 0 {
			codes = append(codes, code)
		}
	}
	return on, codes, nil
}

// IsRetryCondition reports whether Istio accepts a word of a rule's retryOn: one of Envoy's conditions, or a status code that has a name.
// (pkg/config/validation/validation.go of Istio 1.31, validateHTTPRetry)
func IsRetryCondition(word string) bool {
	_, _, ok := parseCondition(word)
	return ok
}

func parseCondition(word string) (on RetryOn, code int, ok bool) {
	if code, err := strconv.Atoi(word); err == nil && http.StatusText(code) != "" {
		return RetryOnRetriableStatusCodes, code, true
	}
	i := slices.Index(RetryConditions(), word)
	if i < 0 {
		return 0, 0, false
	}
	return 1 << i, 0, true
}
