package convert

import (
	"regexp"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/hopline/hopline/lab/overlay"
)

// The types of a condition on the path besides regexType.
const (
	exactType  = "Exact"
	prefixType = "PathPrefix"
)

func pathMatch(kind, value string) *overlay.HTTPPathMatch {
	return &overlay.HTTPPathMatch{Type: kind, Value: &value}
}

// isAnyPath reports whether a condition is met by every path.
func isAnyPath(p *overlay.HTTPPathMatch) bool { return p.Type == prefixType && *p.Value == "/" }

// prefixOf returns the prefix that a block matches. ok is false if it matches paths in another way.
func prefixOf(m *networking.HTTPMatchRequest) (prefix string, ok bool) {
	switch t := m.GetUri().GetMatchType().(type) {
	case nil:
		return "/", m.GetUri() == nil
	case *networking.StringMatch_Prefix:
		return t.Prefix, true
	}
	return "", false
}

// uri converts the condition on the path. A prefix of a VirtualService ends anywhere, PathPrefix with a segment.
func (r *ruleOf) uri(m *networking.HTTPMatchRequest) *overlay.HTTPPathMatch {
	fold := ""
	if m.GetIgnoreUriCase() {
		fold = "(?i)"
	}
	prefix, isPrefix := prefixOf(m)
	exact, isExact := m.GetUri().GetMatchType().(*networking.StringMatch_Exact)
	switch regex := m.GetUri().GetRegex(); {
	case isPrefix && prefix == "/", m.GetUri() != nil && m.GetUri().GetMatchType() == nil, regex == "*":
		return pathMatch(prefixType, "/")
	case isPrefix && fold == "" && (r.Segments || r.replacesPrefix()):
		return pathMatch(prefixType, strings.TrimSuffix(prefix, "/"))
	case isPrefix:
		return pathMatch(regexType, fold+regexp.QuoteMeta(prefix)+".*")
	case isExact && fold != "":
		return pathMatch(regexType, fold+regexp.QuoteMeta(exact.Exact))
	case isExact:
		return pathMatch(exactType, exact.Exact)
	default:
		return pathMatch(regexType, regex)
	}
}

// replacesPrefix reports whether the rule replaces a prefix that it matches.
func (r *ruleOf) replacesPrefix() bool {
	return r.http.GetRewrite().GetUri() != "" || r.http.GetRedirect().GetPrefixRewrite() != ""
}

// newPath sets how a rule changes the path of the requests that a block matches.
func (r *ruleOf) newPath(d *draft, m *networking.HTTPMatchRequest, match *overlay.HTTPRouteMatch) {
	to, whole := r.http.GetRewrite().GetUri(), false
	if redirect := r.http.GetRedirect(); redirect != nil {
		to = redirect.GetPrefixRewrite()
		if to == "" {
			to, whole = redirect.GetUri(), true
		}
	}
	if to == "" {
		return
	}
	_, isPrefix := prefixOf(m)
	modifier := &overlay.PathModifier{Type: "ReplaceFullPath", ReplaceFullPath: &to}
	switch {
	case isPrefix && !whole && match.Path.Type != prefixType:
		r.reject("", "want no ignoreUriCase beside the new prefix %s: PathPrefix does not ignore the case", to)
	case isPrefix && !whole:
		modifier = &overlay.PathModifier{Type: "ReplacePrefixMatch", ReplacePrefixMatch: &to}
		d.fixed = true
	case strings.Contains(to, `\`):
		r.reject("", "want a new path without a backslash, which istiod reads as the number of a group, got %s", to)
	}
	for i := range d.Filters {
		f := &d.Filters[i]
		if f.URLRewrite != nil {
			rewrite := *f.URLRewrite
			rewrite.Path, f.URLRewrite = modifier, &rewrite
		}
		if f.RequestRedirect != nil {
			redirect := *f.RequestRedirect
			redirect.Path, f.RequestRedirect = modifier, &redirect
		}
	}
}
