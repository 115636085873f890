package mesh

import (
	"fmt"
	"time"

	"github.com/hopline/hopline/lab/istio"
	networking "istio.io/api/networking/v1alpha3"
)

// newRetries compiles a retry policy; nil means Istio's default, two retries. hashed reports whether a consistent hash picks the endpoint:
// then a retry does not prefer other endpoints by default.
// (https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRetry)
func newRetries(r *networking.HTTPRetry, hashed bool) (Retries, error) {
	if r != nil && r.GetAttempts() <= 0 {
		return Retries{}, nil
	}
	out := Retries{Attempts: 2, Backoff: 25 * time.Millisecond, OtherHosts: !hashed, On: istio.DefaultRetryOn}
	if r == nil {
		return out, nil
	}
	out.Attempts = int(r.GetAttempts())
	if r.GetRetryOn() != "" {
		var err error
		if out.On, out.StatusCodes, err = istio.ParseRetryOn(r.GetRetryOn()); err != nil {
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
