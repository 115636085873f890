package convert

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
)

// filters converts the changes of a rule, its redirect, its mirrors and its CORS policy.
func (r *ruleOf) filters(out *overlay.HTTPRouteRule) {
	out.Filters = modifiers(r.http.GetHeaders())
	if w := r.http.GetRewrite(); w != nil {
		out.Filters = append(out.Filters, overlay.HTTPRouteFilter{Type: "URLRewrite", URLRewrite: r.rewrite(w)})
	}
	if d := r.http.GetRedirect(); d != nil {
		out.Filters = append(out.Filters, overlay.HTTPRouteFilter{Type: "RequestRedirect", RequestRedirect: r.redirect(d)})
	}
	r.mirrors(out)
	if p := r.http.GetCorsPolicy(); p != nil {
		out.Filters = append(out.Filters, overlay.HTTPRouteFilter{Type: "CORS", CORS: r.cors(p)})
	}
}

// modifiers converts changes of headers.
func modifiers(h *networking.Headers) (out []overlay.HTTPRouteFilter) {
	if m := modifier(h.GetRequest()); m != nil {
		out = append(out, overlay.HTTPRouteFilter{Type: "RequestHeaderModifier", RequestHeaderModifier: m})
	}
	if m := modifier(h.GetResponse()); m != nil {
		out = append(out, overlay.HTTPRouteFilter{Type: "ResponseHeaderModifier", ResponseHeaderModifier: m})
	}
	return out
}

func modifier(o *networking.Headers_HeaderOperations) *overlay.HeaderModifier {
	if len(o.GetSet())+len(o.GetAdd())+len(o.GetRemove()) == 0 {
		return nil
	}
	list := func(of map[string]string) (out []overlay.HTTPHeader) {
		for _, name := range slices.Sorted(maps.Keys(of)) {
			out = append(out, overlay.HTTPHeader{Name: name, Value: of[name]})
		}
		return out
	}
	return &overlay.HeaderModifier{Set: list(o.GetSet()), Add: list(o.GetAdd()), Remove: o.GetRemove()}
}

// rewrite converts a rewrite. newPath sets the path for uri.
func (r *ruleOf) rewrite(w *networking.HTTPRewrite) *overlay.URLRewrite {
	out := &overlay.URLRewrite{Hostname: w.GetAuthority()}
	if regex := w.GetUriRegexRewrite(); regex != nil {
		to := regex.GetRewrite()
		if !slices.Contains([]string{"/.*", ".*", "^/.*$", "^.*$"}, regex.GetMatch()) || strings.Contains(to, `\`) {
			r.reject(".rewrite.uriRegexRewrite", "want the match /.* and a rewrite without groups, since an HTTPRoute replaces a prefix or the whole path, got the match %s and the rewrite %s", regex.GetMatch(), to)
		}
		out.Path = &overlay.PathModifier{Type: "ReplaceFullPath", ReplaceFullPath: &to}
	}
	return out
}

// redirect converts a redirect. newPath sets the path.
func (r *ruleOf) redirect(d *networking.HTTPRedirect) *overlay.RequestRedirect {
	out := &overlay.RequestRedirect{Scheme: d.GetScheme(), Hostname: d.GetAuthority(), Port: int(d.GetPort()), StatusCode: cmp.Or(int(d.GetRedirectCode()), 301)}
	if _, derived := d.GetRedirectPort().(*networking.HTTPRedirect_DerivePort); derived {
		fromRequest := d.GetDerivePort() == networking.HTTPRedirect_FROM_REQUEST_PORT
		if fromRequest != (d.GetScheme() == "") {
			r.reject(".redirect.derivePort", "want FROM_REQUEST_PORT without a scheme or FROM_PROTOCOL_DEFAULT with one, as istiod reads a redirect of an HTTPRoute, got %s", d.GetDerivePort())
		}
	}
	return out
}

// mirrors converts the mirrors.
func (r *ruleOf) mirrors(out *overlay.HTTPRouteRule) {
	for _, from := range istio.Mirrors(r.http) {
		ref, ok := r.backend(from.Destination, "."+from.Path)
		if !ok {
			continue
		}
		m := &overlay.RequestMirror{BackendRef: ref}
		switch whole := math.Trunc(from.Percent); {
		case from.Percent >= 100:
		case whole == from.Percent:
			m.Percent = new(int(whole))
		default: // as istiod: in millionths
			m.Fraction = &overlay.Fraction{Numerator: int(math.Round(from.Percent * 10_000)), Denominator: new(1_000_000)}
		}
		out.Filters = append(out.Filters, overlay.HTTPRouteFilter{Type: "RequestMirror", RequestMirror: m})
	}
}

// cors converts a policy for pages of other origins.
func (r *ruleOf) cors(p *networking.CorsPolicy) *overlay.CORS {
	if p.GetUnmatchedPreflights() != networking.CorsPolicy_IGNORE {
		r.reject(".corsPolicy.unmatchedPreflights", "want IGNORE, as istiod reads the filter CORS of an HTTPRoute, got %s", p.GetUnmatchedPreflights())
	}
	if p.GetMaxAge() == nil {
		r.reject(".corsPolicy.maxAge", "want a duration: without one an HTTPRoute has 5s")
	}
	out := &overlay.CORS{AllowMethods: p.GetAllowMethods(), AllowHeaders: p.GetAllowHeaders(), ExposeHeaders: p.GetExposeHeaders(),
		AllowCredentials: p.GetAllowCredentials().GetValue(), MaxAge: new(int(p.GetMaxAge().AsDuration() / time.Second))}
	for i, o := range p.GetAllowOrigins() {
		switch t := o.GetMatchType().(type) {
		case *networking.StringMatch_Exact:
			out.AllowOrigins = append(out.AllowOrigins, t.Exact)
		case *networking.StringMatch_Prefix:
			out.AllowOrigins = append(out.AllowOrigins, t.Prefix+"*")
		default:
			r.reject(fmt.Sprintf(".corsPolicy.allowOrigins[%d]", i), "want exact or prefix: an HTTPRoute has no regular expressions of origins, got %s", o.GetRegex())
		}
	}
	if p.GetAllowOrigins() == nil {
		//lint:ignore SA1019 deprecated, but Istio still enforces it
		out.AllowOrigins = p.GetAllowOrigin()
	}
	return out
}
