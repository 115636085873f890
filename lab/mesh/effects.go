package mesh

import (
	"fmt"
	"strings"
	"time"
)

// Effect is one thing that a route does to a request besides the choice of a destination.
type Effect struct {
	Kind EffectKind
	Text string // one line: "timeout 2s"
}

// EffectKind is the kind of an effect.
type EffectKind uint8

// The kinds of effects.
const (
	EffectFault EffectKind = iota
	EffectAuthority
	EffectPath
	EffectHeaders
	EffectCORS
	EffectTimeout
	EffectRetries
	EffectHash
	EffectMirror
	EffectLimits
)

// Effects lists the effects of a route on a request. path is the path that the rule's rewrite makes of the request's; empty for none.
func (r *Route) Effects(path string) (effects []Effect) {
	add := func(kind EffectKind, format string, args ...any) {
		effects = append(effects, Effect{kind, fmt.Sprintf(format, args...)})
	}
	if f := r.Fault; f != nil && f.Delay > 0 && f.DelayPercent > 0 {
		add(EffectFault, "fault: %g %% delayed by %s", f.DelayPercent, f.Delay)
	}
	if f := r.Fault; f != nil && f.Abort > 0 && f.AbortPercent > 0 {
		add(EffectFault, "fault: %g %% aborted with %d", f.AbortPercent, f.Abort)
	}
	if r.Fault.injects() && (r.Retries.Attempts > 0 || r.Timeout > 0) {
		add(EffectFault, "retries and timeout do not cover the fault: Envoy injects it before it sends the request for the first time")
	}
	if w := r.Rewrite; w != nil && w.Authority != "" {
		add(EffectAuthority, "authority rewritten to %s", w.Authority)
	}
	if path != "" {
		add(EffectPath, "path rewritten to %s", path)
	}
	for _, line := range r.Headers.Lines() {
		add(EffectHeaders, "%s", line)
	}
	if r.CORS != nil {
		add(EffectCORS, "%s", r.CORS.Text)
	}
	if r.Timeout > 0 {
		add(EffectTimeout, "timeout %s", r.Timeout)
	}
	if n := r.Retries.Attempts; n > 0 {
		text := fmt.Sprintf("up to %d retries on %s", n, r.Retries.On)
		if r.Retries.PerTry > 0 {
			text += fmt.Sprintf(", each try at most %s", r.Retries.PerTry.Round(time.Millisecond))
		}
		add(EffectRetries, "%s", text)
	}
	if text := r.hashText(); text != "" {
		add(EffectHash, "%s", text)
	}
	for _, m := range r.Mirrors {
		add(EffectMirror, "%g %% mirrored to %s", m.Percent, r.Describe(m.Cluster))
	}
	for i := range r.Destinations {
		if c := r.Destinations[i].Cluster; c.Known && c.Pool.limits() != "" {
			add(EffectLimits, "limits of each caller to %s: %s", c.Title(), c.Pool.limits())
		}
	}
	return effects
}

// limits returns the limits beyond which the proxy responds with 503: "1 connection, 4 pending requests". It is empty without limits.
func (p Pool) limits() string {
	var words []string
	for _, l := range []struct {
		most int
		what string
	}{{p.MaxConnections, "connection"}, {p.MaxPending, "pending request"}, {p.MaxRequests, "concurrent request"}} {
		switch {
		case l.most == 1:
			words = append(words, "1 "+l.what)
		case l.most > 1:
			words = append(words, fmt.Sprintf("%d %ss", l.most, l.what))
		}
	}
	return strings.Join(words, ", ")
}

// Lines describes the changes, one line for each, in the order in which they are made: `request header x-a set to "b"`. Names are in lower
// case, as Envoy writes them.
func (h HeaderOps) Lines() []string {
	var lines []string
	of := func(message string, remove []string, set, add []Header) {
		for _, name := range remove {
			lines = append(lines, fmt.Sprintf("%s header %s removed", message, strings.ToLower(name)))
		}
		for _, header := range set {
			lines = append(lines, fmt.Sprintf("%s header %s set to %q", message, strings.ToLower(header.Name), header.Value))
		}
		for _, header := range add {
			lines = append(lines, fmt.Sprintf("%s header %s: %q added", message, strings.ToLower(header.Name), header.Value))
		}
	}
	of("request", h.RequestRemove, h.RequestSet, h.RequestAdd)
	of("response", h.ResponseRemove, h.ResponseSet, h.ResponseAdd)
	return lines
}

// Policy describes how the cluster picks an endpoint and what it limits, by the names of Istio's fields, one line for each setting that
// differs from Istio's default.
func (c *Cluster) Policy() []string {
	var lines []string
	add := func(name string, value, standard any) {
		if value != standard {
			lines = append(lines, fmt.Sprintf("%s %v", name, value))
		}
	}
	add("loadBalancer", c.Balancer.String(), LeastRequest.String())
	add("maxConnections", c.Pool.MaxConnections, 0)
	add("http1MaxPendingRequests", c.Pool.MaxPending, 0)
	add("http2MaxRequests", c.Pool.MaxRequests, 0)
	add("maxRequestsPerConnection", c.Pool.MaxRequestsPerConnection, 0)
	add("maxRetries", c.Pool.MaxRetries, 0)
	add("connectTimeout", c.Pool.ConnectTimeout, 10*time.Second)
	add("idleTimeout", c.Pool.IdleTimeout, time.Duration(0))
	if o := c.Outlier; o != nil {
		lines = append(lines, fmt.Sprintf("outlierDetection: consecutive5xxErrors %d, consecutiveGatewayErrors %d, consecutiveLocalOriginFailures %d, interval %s, baseEjectionTime %s, maxEjectionPercent %d, minHealthPercent %d",
			o.Consecutive5xx, o.ConsecutiveGateway, o.ConsecutiveLocal, o.Interval, o.BaseEjection, o.MaxEjectionPercent, o.MinHealthPercent))
	}
	return lines
}

// String returns Istio's name of the balancer.
func (b Balancer) String() string {
	switch b {
	case RoundRobin:
		return "ROUND_ROBIN"
	case Random:
		return "RANDOM"
	case ConsistentHash:
		return "consistentHash"
	}
	return "LEAST_REQUEST"
}
