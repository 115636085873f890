package convert

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
)

// timeouts converts the timeout of the request and of each try; nil for none.
func (r *ruleOf) timeouts() *overlay.HTTPRouteTimeouts {
	out := &overlay.HTTPRouteTimeouts{Request: duration(r.http.GetTimeout()), BackendRequest: duration(r.http.GetRetries().GetPerTryTimeout())}
	if out.Request == "" && out.BackendRequest == "" {
		return nil
	}
	return out
}

// duration writes a duration, which Istio allows in whole milliseconds only, as the Gateway API does (GEP-2257); "" for none.
func duration(d *durationpb.Duration) string {
	t, text := d.AsDuration(), ""
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}, {time.Millisecond, "ms"}} {
		if n := t / unit.of; n > 0 {
			text += fmt.Sprintf("%d%s", n, unit.name)
			t %= unit.of
		}
	}
	return text
}

// retry converts retries; nil for Istio's default. As istiod reads them, an HTTPRoute retries on failed connections and on its codes.
// (pilot/pkg/config/kube/gateway of Istio 1.31, conversion.go, convertHTTPRoute)
func (r *ruleOf) retry() *overlay.HTTPRouteRetry {
	from := r.http.GetRetries()
	if from == nil {
		return nil
	}
	if from.GetAttempts() <= 0 {
		r.reject(".retries.attempts", "want at least 1: an HTTPRoute cannot switch Istio's default retries off, got %d", from.GetAttempts())
	}
	if from.GetRetryRemoteLocalities() != nil {
		r.reject(".retries.retryRemoteLocalities", "want none: an HTTPRoute has no such field")
	}
	if from.GetRetryIgnorePreviousHosts() != nil {
		r.reject(".retries.retryIgnorePreviousHosts", "want none: an HTTPRoute has no such field")
	}
	out := &overlay.HTTPRouteRetry{Attempts: new(int(from.GetAttempts())), Backoff: duration(from.GetBackoff())}
	if from.GetRetryOn() == "" {
		return out
	}
	on, codes, err := istio.ParseRetryOn(from.GetRetryOn())
	if err != nil || on&^istio.RetryOnRetriableStatusCodes != istio.DefaultRetryOn || slices.ContainsFunc(codes, func(n int) bool { return n < 400 }) {
		r.reject(".retries.retryOn", "want all of %s, and besides them only status codes from 400 to 599: istiod retries requests of an HTTPRoute on these, got %s",
			strings.ReplaceAll(istio.DefaultRetryOn.String(), ",", ", "), from.GetRetryOn())
	}
	out.Codes = codes
	return out
}
