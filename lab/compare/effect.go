package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/mesh"
)

// Aspect is one side of what happens to a request.
type Aspect string

// The aspects, in the order in which they are reported.
const (
	Target    Aspect = "destination" // where it goes and in which shares, or the response of the mesh itself
	Access    Aspect = "access"      // whether AuthorizationPolicies of the destination accept it
	Path      Aspect = "path"        // as the destination gets it
	Authority Aspect = "authority"   // as the destination gets it
	Headers   Aspect = "headers"     // changes to headers of request and response
	Fault     Aspect = "fault"       // injected
	Timeout   Aspect = "timeout"     //
	Retries   Aspect = "retries"     //
	Hash      Aspect = "hash"        // the key of a consistent hash
	Mirrors   Aspect = "mirrors"     // copies
	Policy    Aspect = "policy"      // of the destination: balancer, limits of connections, outlier detection
)

// Effect describes what a table does with one request. Differences compares two of them.
type Effect struct {
	Rule   string // the rule that matches: "VirtualService hopline/middle beta (http[0].match[0])"; empty for none. It is not compared.
	Status int    // the mesh's own response to every such request; 0 if all or some requests are routed
	Shares []Share

	aspects  map[Aspect]text
	policies map[string]string // by the name of the cluster
}

// Share is the part of the requests that one destination gets.
type Share struct {
	Destination string  // "middle.hopline.svc.cluster.local:80 subset prod"
	Percent     float64 // exact, from the weights
}

// text holds the text of an aspect, and a more detailed one. Two are equal if their details are equal.
type text struct{ short, detail string }

// Difference holds one aspect in which two effects differ. Before and After are never equal; "none" is the absence of the aspect.
type Difference struct {
	Aspect Aspect `json:"aspect"`
	Before string `json:"before"`
	After  string `json:"after"`
	// Shares holds the share of each destination of either side, if both sides route the request; else it is empty.
	Shares []ShareChange `json:"shares"`
}

// Moved reports whether a share differs. If not, the destinations of the same names have other endpoints.
func (d Difference) Moved() bool {
	return slices.ContainsFunc(d.Shares, func(s ShareChange) bool { return s.Before != s.After })
}

// ShareChange is the share of one destination in both effects, in percent; 0 where it gets none.
type ShareChange struct {
	Destination string  `json:"destination"`
	Before      float64 `json:"before"`
	After       float64 `json:"after"`
}

// Of returns what a table does with a request. It depends on nothing but its arguments.
func Of(t *mesh.Table, req *mesh.Request, from Caller) Effect { return named.of(t, req, from) }

// naming is the way in which effects identify a destination.
type naming struct {
	title    func(*mesh.Cluster) string              // in short
	describe func(*mesh.Route, *mesh.Cluster) string // in detail
}

// named identifies destinations by host, port and subset, and compares their endpoints too.
var named = naming{(*mesh.Cluster).Title, (*mesh.Route).Describe}

// byEndpoints identifies destinations by their endpoints, whatever their names are.
var byEndpoints = naming{(*mesh.Cluster).Endpoints, func(r *mesh.Route, c *mesh.Cluster) string {
	if title := c.Endpoints(); c.Known && title != c.Title() {
		return title
	}
	return r.Describe(c)
}}

func (n naming) of(t *mesh.Table, req *mesh.Request, from Caller) Effect {
	found := t.Follow(req, &from.Source)
	e := Effect{Status: found.Status(), aspects: map[Aspect]text{}, policies: map[string]string{}}
	if found.Taken != nil {
		e.Rule = found.Taken.Name()
	}
	e.aspects[Target] = n.target(&found)
	if found.Refusal != "" || found.Route == nil {
		return e
	}
	e.effects(&found, n)
	if found.Outcome == mesh.Forward {
		e.forward(&found, n)
	}
	return e
}

// target describes the response of the mesh, or the destinations.
func (n naming) target(e *mesh.Explanation) text {
	same := func(s string) text { return text{s, s} }
	switch {
	case e.Refusal != "":
		return same("403: " + e.Refusal)
	case e.Outcome == mesh.NoHost:
		return same("502: no Service or ServiceEntry has the host")
	case e.Outcome == mesh.NoRoute:
		return same("404: no rule matches")
	case e.Outcome == mesh.Redirect:
		to := e.Route.Redirect
		return text{fmt.Sprintf("%d: redirect to %s", to.Code, to.Text), fmt.Sprintf("%d: redirect to %s", to.Code, e.To)}
	case e.Outcome == mesh.Direct:
		to := e.Route.Direct
		return text{fmt.Sprintf("%d: response of the proxy, %d bytes", to.Code, len(to.Body)), fmt.Sprintf("%d: response of the proxy, %q", to.Code, to.Body)}
	}
	if e.Outcome == mesh.Preflight {
		return same("200: response to a preflight request, by corsPolicy")
	}
	var short, detail []string
	for _, s := range e.Shares {
		name := n.title(s.Cluster) + " " + Percent(s.Percent)
		if !s.Cluster.Known {
			name += fmt.Sprintf(" (%d: unknown)", e.Route.Unbacked())
		} else if s.Cluster.NotCarried != "" {
			name += " (502: not carried)"
		}
		short = append(short, name)
		detail = append(detail, Percent(s.Percent)+" "+n.describe(e.Route, s.Cluster)+backends(s.Share))
	}
	return text{strings.Join(short, ", "), strings.Join(detail, ", ")}
}

// backends lists the Deployments behind a destination with their shares.
func backends(s mesh.Share) string {
	if s.Cluster.Selector == nil {
		return ""
	}
	var parts []string
	for _, b := range s.Backends {
		parts = append(parts, b.Deployment.Namespace+"/"+b.Deployment.Name+" "+Percent(b.Percent))
	}
	if parts == nil {
		return " (no endpoints: 503)"
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// Percent formats a percentage with at most two decimals: "33.33 %".
func Percent(p float64) string {
	s := strconv.FormatFloat(p, 'f', 2, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".") + " %"
}

// effects sets the aspects of the route itself.
func (e *Effect) effects(found *mesh.Explanation, n naming) {
	aspects := map[mesh.EffectKind]Aspect{mesh.EffectFault: Fault, mesh.EffectHeaders: Headers, mesh.EffectCORS: Headers}
	e.aspects[Fault], e.aspects[Headers] = text{}, text{}
	if found.Outcome == mesh.Forward {
		aspects[mesh.EffectTimeout], aspects[mesh.EffectRetries], aspects[mesh.EffectHash] = Timeout, Retries, Hash
		for _, aspect := range []Aspect{Timeout, Retries, Hash, Mirrors} {
			e.aspects[aspect] = text{}
		}
	}
	for _, effect := range found.Route.Effects("") {
		if aspect, ok := aspects[effect.Kind]; ok {
			e.add(aspect, effect.Text)
		}
	}
	if found.Outcome == mesh.Forward {
		for _, m := range found.Route.Mirrors {
			e.add(Mirrors, fmt.Sprintf("%g %% mirrored to %s", m.Percent, n.describe(found.Route, m.Cluster)))
		}
	}
}

// add adds a line to an aspect.
func (e *Effect) add(aspect Aspect, line string) {
	if before := e.aspects[aspect].short; before != "" {
		line = before + "; " + line
	}
	e.aspects[aspect] = text{line, line}
}

// forward sets the aspects of a request that is sent to a destination.
func (e *Effect) forward(found *mesh.Explanation, n naming) {
	r := found.Route
	e.aspects[Access], e.aspects[Path], e.aspects[Authority] = text{}, text{}, text{}
	if w := r.Rewrite; w != nil && found.Path != "" {
		e.aspects[Path] = text{w.Text, "rewritten to " + found.Path}
		if w.Regex {
			e.aspects[Path] = text{w.Text, w.Text}
		}
	}
	if w := r.Rewrite; w != nil && w.Authority != "" {
		e.add(Authority, "rewritten to "+w.Authority)
	}
	for i := range found.Shares {
		s, d := &found.Shares[i], &r.Destinations[i]
		to := n.title(s.Cluster)
		e.share(to, s.Percent)
		for _, refusal := range s.Refusals {
			e.add(Access, refusal)
		}
		if d.Authority != "" {
			e.add(Authority, "to "+to+": rewritten to "+d.Authority)
		}
		for _, line := range d.Headers.Lines() {
			e.add(Headers, "to "+to+": "+line)
		}
		if s.Cluster.Known {
			e.policies[to] = strings.Join(s.Cluster.Policy(), ", ")
		}
	}
}

// share adds a share; a destination that occurs twice has the sum.
func (e *Effect) share(to string, percent float64) {
	if i := slices.IndexFunc(e.Shares, func(s Share) bool { return s.Destination == to }); i >= 0 {
		e.Shares[i].Percent += percent
		return
	}
	e.Shares = append(e.Shares, Share{to, percent})
}

// Differences returns the aspects in which two effects differ, in the order of the constants; none if neither a caller nor the destinations can
// distinguish them. If one side routes the request and the other does not, only the destination is compared.
func (e Effect) Differences(after Effect) []Difference {
	var out []Difference
	for _, aspect := range []Aspect{Target, Access, Path, Authority, Headers, Fault, Timeout, Retries, Hash, Mirrors} {
		a, hasA := e.aspects[aspect]
		b, hasB := after.aspects[aspect]
		if !hasA || !hasB || a.detail == b.detail {
			continue
		}
		d := Difference{Aspect: aspect, Before: a.short, After: b.short, Shares: []ShareChange{}}
		if a.short == b.short {
			d.Before, d.After = a.detail, b.detail
		}
		if aspect == Target {
			d.Shares = changes(e.Shares, after.Shares)
		}
		out = append(out, d.orNone())
	}
	for _, s := range e.Shares { // the policies of the destinations that both have
		a, b := e.policies[s.Destination], after.policies[s.Destination]
		if _, both := after.policies[s.Destination]; both && a != b {
			d := Difference{Aspect: Policy, Before: a, After: b, Shares: []ShareChange{}}.orNone()
			d.Before, d.After = s.Destination+": "+d.Before, s.Destination+": "+d.After
			out = append(out, d)
		}
	}
	return out
}

func (d Difference) orNone() Difference {
	d.Before, d.After = cmp.Or(d.Before, "none"), cmp.Or(d.After, "none")
	return d
}

// changes lists the destinations of either side.
func changes(before, after []Share) []ShareChange {
	list := []ShareChange{}
	if before == nil || after == nil {
		return list
	}
	for _, s := range before {
		list = append(list, ShareChange{Destination: s.Destination, Before: s.Percent})
	}
	for _, s := range after {
		i := slices.IndexFunc(list, func(c ShareChange) bool { return c.Destination == s.Destination })
		if i < 0 {
			i = len(list)
			list = append(list, ShareChange{Destination: s.Destination})
		}
		list[i].After = s.Percent
	}
	return list
}
