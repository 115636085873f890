package mesh

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
)

// The headers of requests that a browser sends for a page of another origin, in the canonical form of net/http.
const (
	headerOrigin           = "Origin"
	headerRequestedMethod  = "Access-Control-Request-Method"
	headerRequestedHeaders = "Access-Control-Request-Headers"
)

// CORS holds the policy of a route for requests from pages of other origins, as Envoy's CORS filter applies it.
// (https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/cors_filter)
type CORS struct {
	Text string // the policy as text

	origins     []textMatch
	anyOrigin   bool
	unmatched   bool   // whether preflight requests of other origins are sent to the destination
	credentials bool   //
	methods     string // of Access-Control-Allow-Methods; empty for none, "*" for the requested one
	headers     string // of Access-Control-Allow-Headers, like methods
	expose      string // of Access-Control-Expose-Headers; empty for none
	maxAge      string // in seconds; empty for none
}

// newCORS compiles a policy; nil for none. Without origins the policy allows none.
// (pilot/pkg/networking/core/route/route.go, TranslateCORSPolicy)
func newCORS(p *networking.CorsPolicy) (*CORS, error) {
	if p == nil {
		return nil, nil
	}
	c := &CORS{unmatched: p.GetUnmatchedPreflights() != networking.CorsPolicy_IGNORE, credentials: p.GetAllowCredentials().GetValue(),
		methods: strings.Join(p.GetAllowMethods(), ","), headers: strings.Join(p.GetAllowHeaders(), ","), expose: strings.Join(p.GetExposeHeaders(), ",")}
	if p.GetMaxAge() != nil {
		c.maxAge = strconv.FormatInt(p.GetMaxAge().GetSeconds(), 10)
	}
	for i, o := range p.GetAllowOrigins() {
		m, err := newTextMatch(o)
		if err != nil {
			return nil, fmt.Errorf("allowOrigins[%d]: %w", i, err)
		}
		c.origins = append(c.origins, m)
	}
	if p.GetAllowOrigins() == nil {
		//lint:ignore SA1019 deprecated, but Istio still enforces it
		for _, origin := range p.GetAllowOrigin() {
			c.origins = append(c.origins, textMatch{kind: matchExact, text: origin})
		}
	}
	c.anyOrigin = slices.ContainsFunc(c.origins, func(m textMatch) bool { return m.matches("*") })
	c.Text = c.inWords()
	return c, nil
}

// inWords returns the policy as text.
func (c *CORS) inWords() string {
	origins := "origins:"
	for i, m := range c.origins {
		origins += strings.Repeat(",", min(i, 1)) + " " + m.String()
	}
	switch {
	case c.anyOrigin:
		origins = "every origin"
	case len(c.origins) == 0:
		origins = "no origin"
	}
	words := []string{"corsPolicy allows " + origins}
	add := func(what, value string) {
		if value != "" {
			words = append(words, what+" "+value)
		}
	}
	add("methods", c.methods)
	add("headers", c.headers)
	add("exposes", c.expose)
	add("maxAge", c.maxAge)
	if c.credentials {
		words = append(words, "credentials")
	}
	if !c.unmatched {
		words = append(words, "other origins' preflight requests are not forwarded")
	}
	return strings.Join(words, "; ")
}

// allows reports whether the policy allows an origin.
func (c *CORS) allows(origin string) bool {
	return c.anyOrigin || slices.ContainsFunc(c.origins, func(m textMatch) bool { return m.matches(origin) })
}

// preflight reports whether the policy responds to a request itself.
func (c *CORS) preflight(req *Request) bool {
	if c == nil || req.Method != http.MethodOptions || joinedValue(req, headerRequestedMethod) == "" {
		return false
	}
	origin := joinedValue(req, headerOrigin)
	return origin != "" && (!c.unmatched || c.allows(origin))
}

// joinedValue returns the value of a header whose repetitions Envoy joins.
func joinedValue(req *Request, key string) string {
	if values := JoinedValues(key, req.Header[key]); len(values) > 0 {
		return values[0]
	}
	return ""
}

// Headers returns the headers that the policy adds to the response to a request, in place of equal ones. It is empty for a request without
// an origin that the policy allows, unless the request is a preflight request to which the proxy itself responds. c may be nil.
func (c *CORS) Headers(req *Request) []Header {
	if c == nil {
		return nil
	}
	origin := joinedValue(req, headerOrigin)
	allowed := origin != "" && c.allows(origin)
	var out []Header
	add := func(name, value string, ok bool) {
		if ok {
			out = append(out, Header{Name: name, Value: value})
		}
	}
	preflight := c.preflight(req)
	add("Access-Control-Allow-Origin", origin, allowed)
	add("Access-Control-Allow-Credentials", "true", c.credentials && (allowed || preflight))
	if preflight {
		add("Access-Control-Allow-Methods", asRequested(c.methods, req, headerRequestedMethod), c.methods != "")
		add("Access-Control-Allow-Headers", asRequested(c.headers, req, headerRequestedHeaders), c.headers != "")
		add("Access-Control-Max-Age", c.maxAge, c.maxAge != "")
	}
	add("Access-Control-Expose-Headers", c.expose, c.expose != "" && allowed)
	return out
}

// asRequested replaces a single star by the requested values.
func asRequested(value string, req *Request, key string) string {
	if value == "*" {
		return joinedValue(req, key)
	}
	return value
}

// describe returns what the policy does to the response to a request, one line for each header.
func (c *CORS) describe(req *Request) []string {
	origin := joinedValue(req, headerOrigin)
	if c == nil || origin == "" {
		return nil
	}
	var lines []string
	if !c.allows(origin) {
		lines = append(lines, fmt.Sprintf("corsPolicy does not allow origin %q: a browser hides the response from the page", origin))
	}
	for _, h := range c.Headers(req) {
		lines = append(lines, fmt.Sprintf("response header %s set to %q, by corsPolicy", strings.ToLower(h.Name), h.Value))
	}
	return lines
}
