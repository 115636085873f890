package convert

import (
	"fmt"
	"slices"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
)

// draft is a rule of an HTTPRoute that is being built.
type draft struct {
	overlay.HTTPRouteRule
	from  string // the path of the rule that it is made of: "spec.http[1]"
	fixed bool   // whether it replaces a prefix, so that it has one match, of type PathPrefix
}

// ruleOf is the conversion of one rule of a VirtualService for one target.
type ruleOf struct {
	*converter
	v    *overlay.Istio[*networking.VirtualService]
	to   *target
	http *networking.HTTPRoute
	path string // "spec.http[1]"
}

func (r *ruleOf) reject(path, reason string, args ...any) {
	r.converter.reject(r.v, r.path+path, reason, args...)
}

// drafts converts the rules of a VirtualService that apply to a target, up to the first that matches everything.
func (c *converter) drafts(v *overlay.Istio[*networking.VirtualService], t *target) (out []draft) {
	for i, h := range v.Spec.GetHttp() {
		r := &ruleOf{converter: c, v: v, to: t, http: h, path: fmt.Sprintf("spec.http[%d]", i)}
		drafts, all := r.drafts()
		out = append(out, drafts...)
		if all {
			for j := i + 1; j < len(v.Spec.GetHttp()); j++ {
				c.note("left out: %s: spec.http[%d]: no request reaches it, since spec.http[%d] matches every request", v, j, i)
			}
			break
		}
	}
	return out
}

// drafts converts the rule: to one rule with all matches, or to one rule for each match if the new path depends on it. all reports whether a
// match has no condition.
func (r *ruleOf) drafts() (out []draft, all bool) {
	before := len(r.report.Problems)
	base := draft{HTTPRouteRule: r.base(), from: r.path}
	split := r.http.GetRewrite().GetUri() != "" || r.http.GetRedirect() != nil
	for j, m := range istio.Matches(r.http) {
		if on := m.GetGateways(); len(on) > 0 && !slices.ContainsFunc(on, func(g string) bool { return istio.GatewayName(g, r.v.Namespace) == r.to.gateway }) {
			continue
		}
		match := r.match(m, fmt.Sprintf(".match[%d]", j))
		all = all || isAnyPath(match.Path) && len(match.Headers)+len(match.QueryParams)+len(match.Method) == 0
		if len(out) == 0 || split {
			d := base
			d.Filters = slices.Clone(base.Filters)
			out = append(out, d)
		}
		d := &out[len(out)-1]
		if split {
			r.newPath(d, m, &match)
		}
		d.Matches = append(d.Matches, match)
	}
	if len(r.report.Problems) > before {
		return nil, all
	}
	return mergeDrafts(out), all
}

// mergeDrafts joins the matches of rules that do the same.
func mergeDrafts(drafts []draft) (out []draft) {
	for _, d := range drafts {
		if last := len(out) - 1; last >= 0 && !d.fixed && sameAction(&out[last], &d) {
			out[last].Matches = append(out[last].Matches, d.Matches...)
			continue
		}
		out = append(out, d)
	}
	return out
}

// base converts what the rule does, besides the new path.
func (r *ruleOf) base() overlay.HTTPRouteRule {
	h := r.http
	out := overlay.HTTPRouteRule{Name: h.GetName()}
	if h.GetFault() != nil {
		r.reject(".fault", "want none: an HTTPRoute injects no faults")
	}
	if h.GetDelegate() != nil {
		r.reject(".delegate", "want rules: an HTTPRoute cannot delegate, got the delegate %s", h.GetDelegate().GetName())
	}
	r.filters(&out)
	out.Timeouts, out.Retry = r.timeouts(), r.retry()
	switch d := h.GetDirectResponse(); {
	case d != nil && (d.GetStatus() != 500 || d.GetBody() != nil):
		r.reject(".directResponse", "want a route: an HTTPRoute responds itself only with 500 and no body, got %d", d.GetStatus())
	case d == nil && h.GetRedirect() == nil:
		out.BackendRefs = r.backends()
	}
	return out
}
