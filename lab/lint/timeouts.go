package lint

import (
	"fmt"
	"time"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/hopline/hopline/lab/istio"
)

// timeouts finds rules whose timeout ends the request before their retries can.
func (l *linter) timeouts() {
	for _, v := range l.rules.Overlay.VirtualServices {
		for i, rule := range v.Spec.GetHttp() {
			if why := cutShort(rule); why != "" {
				l.add(v.String(), fmt.Sprintf("spec.http[%d].timeout", i), "%s", why)
			}
		}
	}
}

// cutShort returns why the timeout of a rule is too short for its retries; empty if it is not. A try that takes longer than perTryTimeout is
// retried only by retryOn 5xx or gateway-error, since it counts as a 504.
func cutShort(rule *networking.HTTPRoute) string {
	timeout, perTry := rule.GetTimeout().AsDuration(), rule.GetRetries().GetPerTryTimeout().AsDuration()
	attempts := int(rule.GetRetries().GetAttempts())
	if timeout <= 0 || perTry <= 0 || attempts <= 0 {
		return ""
	}
	if timeout <= perTry {
		return fmt.Sprintf("a try may take %s (perTryTimeout) and the whole request %s: no try that takes too long is ever retried", perTry, timeout)
	}
	on, codes, err := istio.ParseRetryOn(rule.GetRetries().GetRetryOn())
	slow := on&(istio.RetryOn5xx|istio.RetryOnGatewayError) != 0
	for _, code := range codes {
		slow = slow || code == 504
	}
	if all := perTry * time.Duration(attempts+1); err == nil && slow && timeout < all {
		return fmt.Sprintf("%d tries of %s each (perTryTimeout) take up to %s, and the whole request may take %s: the last ones are cut short", attempts+1, perTry, all, timeout)
	}
	return ""
}
