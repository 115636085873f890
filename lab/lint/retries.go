package lint

import (
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/explain"
	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh"
)

// retries finds rules with retries that send requests through a gateway whose own rule retries what is left: one request is then tried the
// product of both. It proves it by a request that both rules match.
func (l *linter) retries() {
	seen := map[string]bool{}
	for _, rule := range l.rules.Table.Rules() {
		at := rule.Object + " " + rule.Place
		through := slices.ContainsFunc(rule.Shares, func(s mesh.Share) bool { return s.Cluster.Gateway != "" })
		if !through || seen[at] || rule.HTTP.GetRetries().GetAttempts() <= 0 || l.rules.Uncertain(rule.Object, rule.Place) {
			continue
		}
		seen[at] = true
		l.retriedAgain(&rule)
	}
}

// retriedAgain adds a finding if a gateway that a rule's requests pass retries them too.
func (l *linter) retriedAgain(rule *mesh.Rule) {
	question, ok := explain.Example(l.rules, rule.Object, rule.Name)
	if !ok {
		return
	}
	a, err := l.rules.Ask(question)
	if err != nil || changesHeaders(&a.Route.Headers) {
		return
	}
	for i, share := range a.Shares {
		d := &a.Route.Destinations[i]
		gateway, ok := mesh.BuiltInGateway(share.Cluster.Gateway)
		if !ok || changesHeaders(&d.Headers) {
			continue
		}
		arriving := a.Arriving(a.Request, i)
		next := l.rules.Table.Follow(&arriving, &gateway)
		if next.Taken == nil || !l.retriesItself(next.Taken) || l.rules.Uncertain(next.Taken.Object, next.Taken.Place) || !repeats(&a.Route.Retries, &next.Route.Retries) {
			continue
		}
		l.add(rule.Object, "spec."+rule.Place+"."+retriesField(rule), "up to %d tries here and %d at %s (%s): one request is tried up to %d times",
			a.Route.Retries.Attempts+1, next.Route.Retries.Attempts+1, gateway.Workload, next.Taken.Name(), (a.Route.Retries.Attempts+1)*(next.Route.Retries.Attempts+1))
	}
}

// retriesField returns the name of the field of a rule that configures its retries.
func retriesField(rule *mesh.Rule) string {
	if strings.HasPrefix(rule.Object, "HTTPRoute ") {
		return "retry"
	}
	return "retries"
}

// retriesItself reports whether a rule sets retries, beside Istio's default.
func (l *linter) retriesItself(j *mesh.Judgement) bool {
	place, _, _ := strings.Cut(j.Place, ".")
	return slices.ContainsFunc(l.rules.Table.Rules(), func(r mesh.Rule) bool {
		return r.Object == j.Object && r.Place == place && r.HTTP.GetRetries().GetAttempts() > 0
	})
}

func changesHeaders(h *mesh.HeaderOps) bool {
	return len(h.RequestSet)+len(h.RequestAdd)+len(h.RequestRemove) > 0
}

// repeats reports whether outer retries a response that is left after inner has retried. After failures to connect, Envoy responds with 503.
func repeats(outer, inner *mesh.Retries) bool {
	const serverErrors = istio.RetryOn5xx | istio.RetryOnGatewayError
	const unanswered = istio.RetryOnConnectFailure | istio.RetryOnRefusedStream | istio.RetryOnReset | istio.RetryOnResetBeforeRequest
	if inner.On&(serverErrors|unanswered) != 0 && (outer.On&serverErrors != 0 || slices.Contains(outer.StatusCodes, 503)) {
		return true
	}
	if inner.On&outer.On&istio.RetryOnRetriable4xx != 0 {
		return true
	}
	return slices.ContainsFunc(inner.StatusCodes, func(code int) bool {
		return slices.Contains(outer.StatusCodes, code) || code >= 500 && outer.On&istio.RetryOn5xx != 0 || code >= 502 && code <= 504 && outer.On&istio.RetryOnGatewayError != 0
	})
}
