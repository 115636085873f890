package gatewayapi

import (
	"regexp"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	networking "istio.io/api/networking/v1alpha3"

	"github.com/hopline/hopline/lab/overlay"
)

// filters applies the filters of a rule.
func (r *ruleOf) filters(out *networking.HTTPRoute) {
	for i := range r.rule.Filters {
		f := &r.rule.Filters[i]
		path := r.path + ".filters[" + itoa(i) + "]"
		switch f.Type {
		case "RequestHeaderModifier":
			headersOf(&out.Headers).Request = operations(f.RequestHeaderModifier)
		case "ResponseHeaderModifier":
			headersOf(&out.Headers).Response = operations(f.ResponseHeaderModifier)
		case "RequestRedirect":
			out.Redirect = redirect(f.RequestRedirect)
		case "URLRewrite":
			out.Rewrite = rewrite(f.URLRewrite)
		case "RequestMirror":
			r.mirror(out, f.RequestMirror, path)
		case "CORS":
			out.CorsPolicy = cors(f.CORS)
		default:
			r.hard = failed("InvalidFilter", path+".type", "Istio drops the route: it has no filter %s", f.Type)
		}
	}
}

func headersOf(h **networking.Headers) *networking.Headers {
	if *h == nil {
		*h = &networking.Headers{}
	}
	return *h
}

func operations(m *overlay.HeaderModifier) *networking.Headers_HeaderOperations {
	return &networking.Headers_HeaderOperations{Set: headers(m.Set), Add: headers(m.Add), Remove: m.Remove}
}

// headers returns headers by name, in lower case. Of several spellings of a name the first counts.
func headers(list []overlay.HTTPHeader) map[string]string {
	if len(list) == 0 {
		return nil
	}
	out := map[string]string{}
	for _, h := range list {
		name := strings.ToLower(h.Name)
		if _, ok := out[name]; !ok {
			out[name] = h.Value
		}
	}
	return out
}

// redirect converts a redirect. Without a port it keeps the request's, or with a scheme takes that scheme's.
// (conversion.go, createRedirectFilter)
func redirect(r *overlay.RequestRedirect) *networking.HTTPRedirect {
	out := &networking.HTTPRedirect{RedirectCode: uint32(r.StatusCode), Authority: r.Hostname, Scheme: r.Scheme}
	switch {
	case r.Port != 0:
		out.RedirectPort = &networking.HTTPRedirect_Port{Port: uint32(r.Port)}
	case r.Scheme != "":
		out.RedirectPort = &networking.HTTPRedirect_DerivePort{DerivePort: networking.HTTPRedirect_FROM_PROTOCOL_DEFAULT}
	default:
		out.RedirectPort = &networking.HTTPRedirect_DerivePort{DerivePort: networking.HTTPRedirect_FROM_REQUEST_PORT}
	}
	switch {
	case r.Path == nil:
	case r.Path.Type == "ReplaceFullPath":
		out.Uri = *r.Path.ReplaceFullPath
	default:
		out.PrefixRewrite = *r.Path.ReplacePrefixMatch
	}
	return out
}

// rewrite converts a rewrite; nil if it changes nothing. "/" in place of a prefix removes the prefix.
// (conversion.go, createRewriteFilter)
func rewrite(w *overlay.URLRewrite) *networking.HTTPRewrite {
	out := &networking.HTTPRewrite{Authority: w.Hostname}
	switch {
	case w.Path == nil:
	case w.Path.Type == "ReplaceFullPath":
		out.UriRegexRewrite = &networking.RegexRewrite{Match: "/.*", Rewrite: *w.Path.ReplaceFullPath}
	default:
		if out.Uri = strings.TrimSuffix(*w.Path.ReplacePrefixMatch, "/"); out.Uri == "" {
			out.Uri = "/"
		}
	}
	if out.Uri == "" && out.UriRegexRewrite == nil && out.Authority == "" {
		return nil
	}
	return out
}

// cors converts a policy for pages of other origins.
// (conversion.go, createCorsFilter)
func cors(c *overlay.CORS) *networking.CorsPolicy {
	out := &networking.CorsPolicy{AllowMethods: c.AllowMethods, AllowHeaders: c.AllowHeaders, ExposeHeaders: c.ExposeHeaders,
		MaxAge: durationpb.New(time.Duration(*c.MaxAge) * time.Second), UnmatchedPreflights: networking.CorsPolicy_IGNORE}
	for _, o := range c.AllowOrigins {
		out.AllowOrigins = append(out.AllowOrigins, origin(o))
	}
	if c.AllowCredentials {
		out.AllowCredentials = wrapperspb.Bool(true)
	}
	return out
}

// origin converts an allowed origin, perhaps with a star.
func origin(o string) *networking.StringMatch {
	rest, ends := strings.CutSuffix(o, "*")
	switch {
	case o == "*":
		return &networking.StringMatch{MatchType: &networking.StringMatch_Regex{Regex: `^[a-zA-Z][a-zA-Z0-9+.-]*://[^/\s?#]+$`}}
	case !strings.Contains(o, "*"):
		return &networking.StringMatch{MatchType: &networking.StringMatch_Exact{Exact: o}}
	case ends && !strings.Contains(rest, "*"):
		return &networking.StringMatch{MatchType: &networking.StringMatch_Prefix{Prefix: rest}}
	}
	pattern := strings.ReplaceAll(regexp.QuoteMeta(o), `\*`, ".*")
	return &networking.StringMatch{MatchType: &networking.StringMatch_Regex{Regex: "^" + pattern + "$"}}
}

// mirror adds a mirror, unless its destination does not exist.
// (conversion.go, createMirrorFilter)
func (r *ruleOf) mirror(out *networking.HTTPRoute, m *overlay.RequestMirror, path string) {
	destination, fault, hard := r.destination(m.BackendRef, path+".requestMirror.backendRef")
	if fault == nil {
		fault = hard
	}
	if fault != nil {
		r.soft = append(r.soft, fault)
		return
	}
	policy := &networking.HTTPMirrorPolicy{Destination: destination}
	switch {
	case m.Fraction != nil:
		policy.Percentage = &networking.Percent{Value: 100 * float64(m.Fraction.Numerator) / float64(*m.Fraction.Denominator)}
	case m.Percent != nil:
		policy.Percentage = &networking.Percent{Value: float64(*m.Percent)}
	}
	out.Mirrors = append(out.Mirrors, policy)
}
