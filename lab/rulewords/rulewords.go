// Package rulewords describes the http rules of VirtualServices, and those that istiod makes of HTTPRoutes, as text.
package rulewords

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
)

// Match returns one match as text: "x-dev-user is betaUser, path begins with /demo-app/"; "" if it matches every request. An HTTPRoute has a
// condition on the path by default: it begins with "/", as every path does.
func Match(m *networking.HTTPMatchRequest) string {
	var words []string
	add := func(what string, match *networking.StringMatch) {
		if match != nil {
			words = append(words, what+" "+stringMatch(match))
		}
	}
	add("method", m.GetMethod())
	add("host", m.GetAuthority())
	if m.GetUri().GetPrefix() != "/" {
		add("path", m.GetUri())
	}
	add("scheme", m.GetScheme())
	for _, name := range slices.Sorted(maps.Keys(m.GetHeaders())) {
		words = append(words, name+" "+stringMatch(m.GetHeaders()[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(m.GetWithoutHeaders())) {
		words = append(words, "not "+name+" "+stringMatch(m.GetWithoutHeaders()[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(m.GetQueryParams())) {
		words = append(words, "?"+name+" "+stringMatch(m.GetQueryParams()[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(m.GetSourceLabels())) {
		words = append(words, "caller's "+name+" is "+m.GetSourceLabels()[name])
	}
	if m.GetSourceNamespace() != "" {
		words = append(words, "caller in "+m.GetSourceNamespace())
	}
	if m.GetPort() != 0 {
		words = append(words, "port "+strconv.Itoa(int(m.GetPort())))
	}
	return strings.Join(words, ", ")
}

func stringMatch(m *networking.StringMatch) string {
	switch {
	case m.GetExact() != "":
		return "is " + m.GetExact()
	case m.GetPrefix() != "":
		return "begins with " + m.GetPrefix()
	case m.GetRegex() != "":
		return "matches " + m.GetRegex()
	default:
		return "is present"
	}
}

// Does returns, as text, what a rule does besides routing.
func Does(route *networking.HTTPRoute) []string {
	words := []string{}
	add := func(format string, args ...any) { words = append(words, fmt.Sprintf(format, args...)) }
	if r := route.GetRedirect(); r != nil {
		add("redirects to %s%s", r.GetAuthority(), r.GetUri())
	}
	if r := route.GetDirectResponse(); r != nil {
		add("responds with %d", r.GetStatus())
	}
	if r := route.GetRewrite(); r != nil {
		add("rewrites to %s%s", r.GetAuthority(), r.GetUri())
	}
	if t := route.GetTimeout(); t != nil && t.AsDuration() > 0 {
		add("timeout %s", t.AsDuration())
	}
	if r := route.GetRetries(); r.GetRetryOn() != "" {
		add("%d retries on %s", r.GetAttempts(), r.GetRetryOn())
	} else if r != nil {
		add("%d retries", r.GetAttempts())
	}
	if d := route.GetFault().GetDelay(); d != nil {
		add("delays %v %% by %s", d.GetPercentage().GetValue(), d.GetFixedDelay().AsDuration())
	}
	if a := route.GetFault().GetAbort(); a != nil {
		add("aborts %v %% with %d", a.GetPercentage().GetValue(), a.GetHttpStatus())
	}
	if p := route.GetCorsPolicy(); p != nil {
		add("corsPolicy for %d origins", len(p.GetAllowOrigins()))
	}
	for _, m := range route.GetMirrors() {
		add("mirrors to %s %s", m.GetDestination().GetHost(), m.GetDestination().GetSubset())
	}
	if m := route.GetMirror(); m != nil {
		add("mirrors to %s %s", m.GetHost(), m.GetSubset())
	}
	return words
}
