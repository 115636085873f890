package convert

import (
	"maps"
	"regexp"
	"slices"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/hopline/hopline/lab/overlay"
)

// regexType is the type of a condition by a regular expression. A condition on a header or a query parameter without a type is exact.
const regexType = "RegularExpression"

// match converts one match block.
func (r *ruleOf) match(m *networking.HTTPMatchRequest, path string) overlay.HTTPRouteMatch {
	for _, f := range []struct {
		set         bool
		field, want string
	}{
		{len(m.GetWithoutHeaders()) > 0, "withoutHeaders", "none: an HTTPRoute cannot exclude headers"},
		{m.GetScheme() != nil, "scheme", "none: an HTTPRoute has no condition on the scheme"},
		{m.GetAuthority() != nil, "authority", "none: the hostnames of an HTTPRoute apply to all its rules"},
		{len(m.GetSourceLabels()) > 0, "sourceLabels", "none: an HTTPRoute has no condition on the caller"},
		{m.GetSourceNamespace() != "", "sourceNamespace", "none: an HTTPRoute has no condition on the caller; one in the caller's namespace applies only there"},
		{m.GetMethod() != nil && m.GetMethod().GetExact() == "", "method", "an exact one: an HTTPRoute has no other condition on the method"},
	} {
		if f.set {
			r.reject(path+"."+f.field, "want %s", f.want)
		}
	}
	if m.GetName() != "" {
		r.note("left out: %s: %s.name: a match of an HTTPRoute has no name", r.v, r.path+path)
	}
	if m.GetStatPrefix() != "" {
		r.note("left out: %s: %s.statPrefix: an HTTPRoute has no such field", r.v, r.path+path)
	}
	return overlay.HTTPRouteMatch{Path: r.uri(m), Method: m.GetMethod().GetExact(), Headers: conditions(m.GetHeaders()), QueryParams: conditions(m.GetQueryParams())}
}

// conditions converts conditions on headers or query parameters, sorted by name.
func conditions(of map[string]*networking.StringMatch) (out []overlay.HTTPMatch) {
	for _, name := range slices.Sorted(maps.Keys(of)) {
		c := overlay.HTTPMatch{Name: name, Type: regexType, Value: ".*"}
		switch t := of[name].GetMatchType().(type) {
		case *networking.StringMatch_Exact:
			c.Type, c.Value = "", t.Exact
		case *networking.StringMatch_Prefix:
			c.Value = regexp.QuoteMeta(t.Prefix) + ".*"
		case *networking.StringMatch_Regex:
			if t.Regex != "*" { // present
				c.Value = t.Regex
			}
		}
		out = append(out, c)
	}
	return out
}
