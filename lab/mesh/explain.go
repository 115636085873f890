package mesh

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh/urlpath"
)

// Explanation describes what happens to a request, and why.
type Explanation struct {
	Caller  string // "front-blue in namespace hopline"
	Request string // "GET middle:80/hops"
	Outcome Outcome
	Host    string      // the owner of the rules: an object, or at a gateway the host
	Passed  []Judgement // rules that did not match the request, in order
	Taken   *Judgement  // the rule that matched; nil for none
	Route   *Route      // the route of that rule
	Shares  []Explained // of the route's destinations
	CORS    []string    // what the route's corsPolicy does to the response, for a request with an Origin; one line for each header
	Path    string      // the path that the destinations get; empty if no rule rewrites it
	To      string      // with Redirect: the location
	Missing string      // with NoHost
	Assumed string      // what the decision assumes about sidecars if the overlay does not state it; see Table.Assumed
	Refusal string      // why the gateway that receives the request responds with 403, whatever its rules are; empty if it accepts the request
	Near    []string    // rules that almost match the request, and why they do not; one line for each
}

// Judgement holds the result for one rule.
type Judgement struct {
	Object  string // "VirtualService hopline/middle"
	Through string // the VirtualService that delegates to Object; empty for a rule of its own
	Rule    string // its name, or its place without a name
	Place   string // "http[1].match[0]"
	Match   string // its conditions
	Why     string // why it did not match the request; empty for the rule that matched
}

// Explained holds a destination's share with its endpoints and refusals.
type Explained struct {
	Share
	Endpoints []Endpoint // set by callers of Explain that have them
	Refusals  []string   // one line for each Deployment or gateway of the destination that does not accept the request
}

// Endpoint describes one endpoint of a destination.
type Endpoint struct {
	Text  string // "middle-prod-6c9f-x7k2p 127.0.0.1:20123 ready"
	Ready bool   // whether it may receive requests
}

// Status returns the status with which the mesh itself responds to every such request: 404, 502, 503, 403, or the status of a redirect, a
// direct response or an injected abort. It returns 0 if all or some requests are routed.
func (e *Explanation) Status() int {
	if e.Refusal != "" {
		return http.StatusForbidden
	}
	switch e.Outcome {
	case NoHost:
		return http.StatusBadGateway
	case NoRoute:
		return http.StatusNotFound
	}
	if f := e.Route.Fault; f != nil && f.Abort > 0 && f.AbortPercent >= 100 {
		return f.Abort
	}
	switch e.Outcome {
	case Redirect:
		return e.Route.Redirect.Code
	case Direct:
		return e.Route.Direct.Code
	case Preflight:
		return http.StatusOK
	}
	status := 0
	for i := range e.Shares {
		s := e.Shares[i].status(e.Route)
		if s == 0 {
			return 0
		}
		status = max(status, s)
	}
	return status
}

// status returns the status for a destination of a route that serves no requests; 0 for others.
func (s *Explained) status(r *Route) int {
	c := s.Cluster
	if !c.Known {
		return r.Unbacked()
	}
	if c.NotCarried != "" {
		return http.StatusBadGateway
	}
	served := c.Given || c.Gateway != "" || c.Original || len(c.Addresses) > 0 || len(s.Backends) > 0
	if len(s.Endpoints) > 0 {
		served = slices.ContainsFunc(s.Endpoints, func(e Endpoint) bool { return e.Ready })
	}
	switch {
	case !served:
		return http.StatusServiceUnavailable
	case len(s.Refusals) > 0 && len(s.Refusals) >= len(s.Backends):
		return http.StatusForbidden
	}
	return 0
}

// Explain checks the rules one after the other, by their definition. It does not use the index that Decide uses.
func (t *Table) Explain(req *Request, src *Source) Explanation {
	e := t.explain(req, src)
	e.Near = t.near(&e, req, src)
	return e
}

// Consulted lists the objects whose rules a request of a caller meets, by its host, in the order of the rules; nil if no object has the host.
func (t *Table) Consulted(req *Request, src *Source) (objects []string) {
	host := t.view(src).ports[req.Port].find(req.Authority)
	if host == nil {
		return nil
	}
	for i := range host.rules {
		if object := host.rules[i].route.Object; !slices.Contains(objects, object) {
			objects = append(objects, object)
		}
	}
	return objects
}

// Follow returns what happens to a request of a caller, like Explain, but without the reasons: it finds the rule by the index, as Decide
// does, and leaves Passed, Near and Assumed empty.
func (t *Table) Follow(req *Request, src *Source) Explanation {
	e := Explanation{Caller: callerText(src), Request: requestText(req)}
	if src.Gateway {
		e.Refusal = t.refusal(nil, src, req)
	}
	d := t.viewOf(src).decide(req, src.Gateway, 0)
	if e.Outcome = d.Outcome; d.Route == nil {
		return e
	}
	e.take(Judgement{Object: d.Route.Object, Through: d.Route.Through, Rule: d.Route.Rule, Place: d.Route.Place}, d.Route, req)
	t.share(&e, req, src)
	return e
}

// share adds the shares of the route's destinations, and who does not accept the request.
func (t *Table) share(e *Explanation, req *Request, src *Source) {
	for _, share := range t.Shares(e.Route) {
		e.Shares = append(e.Shares, Explained{Share: share})
	}
	t.authorize(e, req, src)
}

func requestText(req *Request) string {
	return fmt.Sprintf("%s %s:%d%s", req.Method, withoutPort(req.Authority), req.Port, req.Path)
}

func (t *Table) explain(req *Request, src *Source) Explanation {
	e := Explanation{Caller: callerText(src), Request: requestText(req), Assumed: t.Assumed()}
	if src.Gateway {
		e.Refusal = t.refusal(nil, src, req)
	}
	host := t.viewOf(src).port(req.Port).find(req.Authority)
	if host == nil || host.refused {
		if e.Outcome = NoRoute; !src.Gateway {
			e.Outcome, e.Missing = NoHost, t.Missing(req, src)
		}
		return e
	}
	e.Host, e.Outcome = host.name, NoRoute
	path, query := splitPath(req.Path)
	over := host.over
	for i := range host.rules {
		over = e.pass(over, i)
		r := &host.rules[i]
		j := Judgement{Object: r.route.Object, Through: r.route.Through, Rule: r.route.Rule, Place: r.route.Place, Match: r.match.String(), Why: r.match.why(req, path, query)}
		if j.Why == "" {
			e.take(j, r.route, req)
			t.share(&e, req, src)
			return e
		}
		e.Passed = append(e.Passed, j)
	}
	e.pass(over, len(host.rules))
	return e
}

// pass records the skipped rules before the rule at a place, and returns the remaining ones.
func (e *Explanation) pass(over []passedOver, before int) []passedOver {
	for len(over) > 0 && over[0].before <= before {
		e.Passed = append(e.Passed, Judgement{Object: over[0].object, Through: over[0].through, Rule: over[0].rule, Why: over[0].why})
		over = over[1:]
	}
	return over
}

func (e *Explanation) take(j Judgement, r *Route, req *Request) {
	e.Taken, e.Route, e.CORS = &j, r, r.CORS.describe(req)
	if r.Rewrite != nil && r.Rewrite.URI != nil {
		e.Path = r.Rewrite.URI(req.Path)
	}
	switch {
	case r.Redirect != nil:
		e.Outcome, e.To = Redirect, r.Redirect.Location(req)
	case r.Direct != nil:
		e.Outcome = Direct
	case r.CORS.preflight(req):
		e.Outcome = Preflight
	default:
		e.Outcome = Forward
	}
}

// authorize records which Deployments and gateways of the destinations do not accept the request.
func (t *Table) authorize(e *Explanation, req *Request, src *Source) {
	req = asRouted(req, src)
	for i := range e.Route.Destinations {
		share := &e.Shares[i]
		arriving := e.Arriving(req, i)
		if name := share.Cluster.Gateway; name != "" {
			gateway, _ := BuiltInGateway(name)
			if why := t.refusal(src, &gateway, &arriving); why != "" {
				share.Refusals = append(share.Refusals, name+" responds with 403: "+why)
			}
			continue
		}
		path, ok := urlpath.Normalize(arriving.Path) // as the destination's sidecar does
		arriving.Path = path
		for _, b := range share.Backends {
			callee := SourceOf(t.compiler.overlay, *b.Deployment)
			if callee.NoSidecar { // no sidecar checks its requests
				continue
			}
			arriving.Port, _ = share.Cluster.targetOf(&b.Deployment.Pod)
			from := src
			if share.Cluster.Passthrough { // without mutual TLS
				from = nil
			}
			if !ok {
				share.Refusals = append(share.Refusals, b.Deployment.Name+" responds with 400: its sidecar cannot normalize the path "+path)
			} else if why := t.refusal(from, &callee, &arriving); why != "" {
				share.Refusals = append(share.Refusals, b.Deployment.Name+" responds with 403: "+why)
			}
		}
	}
}

// asRouted returns a request as a proxy routes it: a gateway appends the address of its caller to X-Forwarded-For.
func asRouted(req *Request, src *Source) *Request {
	if !src.Gateway {
		return req
	}
	out := *req
	if out.Header = req.Header.Clone(); out.Header == nil {
		out.Header = http.Header{}
	}
	out.Header["X-Forwarded-For"] = []string{strings.Join(append(slices.Clone(req.Header["X-Forwarded-For"]), cmp.Or(req.Peer, podIP.String())), ",")}
	return &out
}

// Arriving returns a request as the n-th destination gets it, with the rule's changes of authority, path and headers. At a gateway the port is
// the gateway's; elsewhere it is still the port that was requested.
func (e *Explanation) Arriving(req *Request, n int) Request {
	arriving, d := *req, &e.Route.Destinations[n]
	arriving.Header, arriving.Cluster = d.Headers.changeRequest(arriving.Header), e.Shares[n].Cluster.Name
	arriving.Header = e.Route.Headers.changeRequest(arriving.Header)
	if d.Authority != "" {
		arriving.Authority = d.Authority
	}
	if w := e.Route.Rewrite; w != nil && w.Authority != "" {
		arriving.Authority = w.Authority
	}
	if e.Path != "" {
		arriving.Path = e.Path
	}
	if c := e.Shares[n].Cluster; c.Gateway != "" {
		arriving.Port = c.GatewayPort
	}
	return arriving
}

func callerText(src *Source) string {
	if src.Gateway {
		return "gateway " + src.Workload
	}
	text := src.Workload + " in namespace " + src.Namespace
	if src.NoSidecar {
		text += ", without a sidecar"
	}
	return text
}

// String returns the explanation as text for a terminal.
func (e Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, from %s\n", e.Request, e.Caller)
	if e.Assumed != "" {
		fmt.Fprintf(&b, "assumed: %s\n", e.Assumed)
	}
	if e.Host != "" {
		fmt.Fprintf(&b, "rules of %s\n", e.Host)
	}
	for _, j := range e.Passed {
		fmt.Fprintf(&b, "  no   %s: %s\n", j.Name(), j.Why)
	}
	if e.Taken != nil {
		fmt.Fprintf(&b, "  yes  %s: matches %s\n", e.Taken.Name(), e.Taken.Match)
	}
	if e.Refusal != "" {
		fmt.Fprintf(&b, "403: %s\n", e.Refusal)
		return b.String()
	}
	switch e.Outcome {
	case NoHost:
		fmt.Fprintf(&b, "502: %s\n", e.Missing)
	case NoRoute:
		b.WriteString("404: no rule matches\n")
	case Redirect:
		fmt.Fprintf(&b, "%d: redirected to %s\n", e.Route.Redirect.Code, e.To)
	case Direct:
		fmt.Fprintf(&b, "%d: direct response, %d bytes\n", e.Route.Direct.Code, len(e.Route.Direct.Body))
	case Preflight:
		b.WriteString("200: response to the preflight request, by corsPolicy\n")
	case Forward:
		for _, s := range e.Shares {
			fmt.Fprintf(&b, "  %5.1f %%  %s\n", s.Percent, e.Route.Describe(s.Cluster))
			for _, endpoint := range s.Endpoints {
				fmt.Fprintf(&b, "           %s\n", endpoint.Text)
			}
			if s.status(e.Route) == http.StatusServiceUnavailable && s.Cluster.Known && s.Cluster.Selector != nil {
				b.WriteString("           no endpoints: 503\n")
			}
			for _, refusal := range s.Refusals {
				fmt.Fprintf(&b, "           %s\n", refusal)
			}
		}
	}
	for _, line := range e.Effects() {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	for _, line := range e.Near {
		fmt.Fprintf(&b, "  note %s\n", line)
	}
	return b.String()
}

// Effects lists the other effects of the route on a request, one line for each.
func (e Explanation) Effects() []string {
	if e.Route == nil {
		return nil
	}
	var lines []string
	for _, effect := range e.Route.Effects(e.Path) {
		if e.Outcome != Preflight || effect.Kind == EffectFault || effect.Kind == EffectCORS {
			lines = append(lines, effect.Text)
		}
	}
	return append(lines, e.CORS...)
}

// Name returns the rule with its object and place: "VirtualService hopline/middle beta (http[0].match[0])".
func (j *Judgement) Name() string {
	name := j.Object + " " + j.Rule
	if j.Place != "" && j.Rule != j.Place {
		name += " (" + j.Place + ")"
	}
	if j.Through != "" {
		name += ", a delegate of " + j.Through
	}
	return name
}

// Title returns the host, the port and the subset: "a.one.svc.cluster.local:80 subset v1".
func (c *Cluster) Title() string {
	title := fmt.Sprintf("%s:%d", c.Host, c.Port)
	if c.Subset != "" {
		title += " subset " + c.Subset
	}
	return title
}

// Describe returns one line about the endpoints of one of the route's destinations.
func (r *Route) Describe(c *Cluster) string {
	name := c.Title()
	switch {
	case c.Host == "": // of an HTTPRoute
		return fmt.Sprintf("a destination that may not be referred to: %d", r.Unbacked())
	case !c.Known:
		return fmt.Sprintf("%s: no Service, ServiceEntry or subset of that name: %d", name, r.Unbacked())
	case c.NotCarried != "":
		return name + ": 502: " + c.NotCarried
	case c.Gateway != "":
		return name + ": through gateway " + c.Gateway
	case c.Given:
		return name + ": assumed to exist"
	case c.Passthrough && c.Original:
		return passthroughName + ": the host that the request names, which the mesh does not know"
	case c.Original:
		return name + ": the host that the request names"
	case len(c.Addresses) > 0:
		return name + ": " + strings.Join(c.Addresses, ", ")
	case len(c.Selector) == 0:
		return name + ": no endpoints: 503"
	}
	return name + ": " + c.podsText()
}

func (c *Cluster) podsText() string {
	return fmt.Sprintf("pods of namespace %s with %s, port %s", c.Namespace, istio.LabelText(c.Selector), c.targetText())
}

// Endpoints describes the endpoints of a cluster of pods, whatever its name is: two clusters with the same text have the same endpoints. It
// returns the title of any other cluster.
func (c *Cluster) Endpoints() string {
	switch {
	case len(c.Selector) == 0 || c.Gateway != "":
		return c.Title()
	case c.External:
		return c.podsText() + ", as a host outside the mesh"
	}
	return c.podsText()
}
