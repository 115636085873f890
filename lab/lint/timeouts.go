package lint

import (
	"fmt"
	"strings"
	"time"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/hopline/hopline/lab/istio"
)

// timeouts finds rules whose timeout ends the request before their retries can.
func (l *linter) timeouts() {
	for _, v := range l.rules.Overlay.VirtualServices {
		for i, rule := range v.Spec.GetHttp() {
			if why := cutShort(rule, "perTryTimeout"); why != "" {
				l.add(v.String(), fmt.Sprintf("spec.http[%d].timeout", i), "%s", why)
			}
		}
	}
	seen := map[string]bool{} // a rule is listed once for each group of callers
	for _, rule := range l.rules.Table.Rules() {
		path := "spec." + rule.Place + ".timeouts.request"
		if !strings.HasPrefix(rule.Object, "HTTPRoute ") || seen[rule.Object+path] {
			continue
		}
		seen[rule.Object+path] = true
		if why := cutShort(rule.HTTP, "backendRequest"); why != "" {
			l.add(rule.Object, path, "%s", why)
		}
	}
}

// cutShort returns why the timeout of a rule is too short for its retries; empty if it is not. A try that takes longer than its own timeout,
// which the field of that name sets, is retried only by retryOn 5xx, gateway-error or 504, since it counts as a 504.
func cutShort(rule *networking.HTTPRoute, field string) string {
	timeout, perTry := rule.GetTimeout().AsDuration(), rule.GetRetries().GetPerTryTimeout().AsDuration()
	attempts := int(rule.GetRetries().GetAttempts())
	if timeout <= 0 || perTry <= 0 || attempts <= 0 {
		return ""
	}
	if timeout <= perTry {
		return fmt.Sprintf("a try may take %s (%s) and the whole request %s: no try that takes too long is ever retried", perTry, field, timeout)
	}
	on, codes, err := istio.ParseRetryOn(rule.GetRetries().GetRetryOn())
	slow := on&(istio.RetryOn5xx|istio.RetryOnGatewayError) != 0
	for _, code := range codes {
		slow = slow || code == 504
	}
	if all := perTry * time.Duration(attempts+1); err == nil && slow && timeout < all {
		return fmt.Sprintf("%d tries of %s each (%s) take up to %s, and the whole request may take %s: the last ones are cut short", attempts+1, perTry, field, all, timeout)
	}
	return ""
}
