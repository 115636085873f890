package mesh

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	networking "istio.io/api/networking/v1alpha3"
)

// Unreached is a rule that no request of the overlay's workloads and gateways can reach, or a VirtualService with no reachable rule.
type Unreached struct {
	Object string // "VirtualService hopline/middle"
	Rule   string // the rule's name; empty for all rules of the object
	Place  string // "http[1]", or "http[1].match[0]" if requests reach other matches of the rule
	Why    string // "everybody (http[0]) matches every request"
	By     Block  // the block that matches its requests, or the object that has its hosts; the zero Block if the reason is another one
}

// Block names a match block of a VirtualService's rule.
type Block struct {
	Object string // "VirtualService hopline/middle"
	Place  string // "http[1].match[0]"; "http[1]" for a rule without a match; empty for the whole object
}

// String returns a one-line warning.
func (u Unreached) String() string {
	if u.Rule == "" {
		return fmt.Sprintf("%s is never used: %s", u.Object, u.Why)
	}
	return fmt.Sprintf("%s %s is never reached: %s", u.Object, ruleText(u.Rule, u.Place), u.Why)
}

// Unreached lists the rules that no request can reach, in the overlay's order. It lists only what it can prove: if an overlay has no
// workload with a sidecar, the callers are unknown, and it checks only VirtualServices of Gateways. It includes rules for a caller that the
// overlay does not have.
func (t *Table) Unreached() []Unreached { return t.unreached() }

// UnreachedBy lists the rules that no request can reach if there are further workloads with a sidecar, which the overlay does not have.
// Strangers returns all that rules can distinguish.
func (t *Table) UnreachedBy(strangers []Source) []Unreached {
	callers := t.callers
	for i := range strangers {
		callers = append(slices.Clip(callers), caller{view: t.view(&strangers[i]), namespace: strangers[i].Namespace})
	}
	return t.findUnreached(callers, t.sidecars || len(strangers) > 0)
}

// reach holds what is known about the blocks.
type reach struct {
	callers []caller
	live    map[Block]bool
	why     map[Block]cause // the reasons, for blocks that are not reached
	met     map[string]bool // objects with any rule in a virtual host that requests reach
	budget  int             // comparisons left; at 0 the search stops
}

// cause is the reason why a block is not reached, and the block that matches its requests, if any does.
type cause struct {
	text string
	by   Block
}

// maxComparisons bounds the search for rules that cover others, which is quadratic at worst. The search ends within some milliseconds;
// blocks that are not compared count as reached.
const maxComparisons = 1_000_000

// findUnreached checks all rules that apply to callers. known is whether the callers inside the mesh are known.
func (t *Table) findUnreached(callers []caller, known bool) []Unreached {
	r := &reach{callers: callers, live: map[Block]bool{}, why: map[Block]cause{}, met: map[string]bool{}, budget: maxComparisons}
	for _, c := range callers {
		for _, port := range c.view.gatewayPorts() {
			for _, host := range c.view.ports[port].hosts() {
				r.look(host)
			}
		}
	}
	var out []Unreached
	for _, v := range t.compiler.rules {
		if !v.fromRoutes() && (known || !slices.Contains(v.gateways, istio.MeshGateway)) {
			for _, found := range t.unreachedOf(v, r) {
				if !slices.Contains(out, found) { // several VirtualServices may delegate to one
					out = append(out, found)
				}
			}
		}
	}
	return slices.Concat(out, t.compiler.left, t.unreachedRoutes(r, known))
}

// unreachedRoutes lists the unreached parts of HTTPRoutes. A rule of an HTTPRoute may be reached at one of its parents and not at another.
func (t *Table) unreachedRoutes(r *reach, known bool) (out []Unreached) {
	for _, w := range t.compiler.routes.Written {
		if w.HTTP == nil || !w.Gateway && !known {
			continue
		}
		if !r.met[w.Object] {
			if u := (Unreached{Object: w.Object, Why: "no gateway and no workload that calls its hosts has a rule of it"}); !slices.Contains(out, u) {
				out = append(out, u)
			}
			continue
		}
		var dead []Unreached
		for j := range w.HTTP.GetMatch() {
			place := fmt.Sprintf("%s.matches[%d]", w.Place, j)
			b := Block{w.Object, place}
			if why := cmp.Or(r.why[b], cause{text: "the rules before it match every request"}); !r.live[b] {
				dead = append(dead, Unreached{w.Object, cmp.Or(w.Name, place), place, why.text, why.by})
			}
		}
		if len(dead) == len(w.HTTP.GetMatch()) {
			dead = []Unreached{{w.Object, cmp.Or(w.Name, w.Place), w.Place, dead[0].Why, dead[0].By}}
		}
		out = append(out, dead...)
	}
	return out
}

// look finds the reached rules of a virtual host.
func (r *reach) look(host *virtualHost) {
	for i := range host.rules {
		rule := &host.rules[i]
		at := Block{rule.route.Object, rule.route.Place}
		r.met[at.Object], r.met[rule.route.Through] = true, true
		if r.live[at] {
			continue
		}
		if by := r.coveredBy(host, i); by < 0 {
			r.live[at] = true
		} else {
			r.why[at] = takes(&host.rules[by], at.Object)
		}
	}
	for _, o := range host.over {
		r.met[o.object], r.met[o.through] = true, true
		if at := (Block{o.object, o.place}); r.why[at].text == "" {
			r.why[at] = cause{text: o.why}
		}
	}
}

// takes returns the text that states that a rule matches every request that a rule of an object would match.
func takes(by *rule, object string) cause {
	name := ruleText(by.route.Rule, by.route.Place)
	if by.route.Object != object {
		name = by.route.Object + " " + name
	}
	c := cause{name + " matches every such request", Block{by.route.Object, by.route.Place}}
	if by.match.catchAll() {
		c.text = name + " matches every request"
	}
	return c
}

func ruleText(name, place string) string {
	if name == place {
		return name
	}
	return name + " (" + place + ")"
}

// coveredBy returns the index of an earlier rule that matches every request the n-th rule matches; -1 if none is known. A request that the
// n-th rule matches finds the first candidate, because any rule that covers the n-th matches that request too.
func (r *reach) coveredBy(host *virtualHost, n int) int {
	m := &host.rules[n].match
	first := 0
	req := m.example()
	if path, query := splitPath(req.Path); m.matches(req, path, query) {
		first = host.index.first(host.rules, req, path, query)
	}
	for i := first; i < n; i++ {
		if r.budget--; r.budget < 0 {
			return -1
		}
		if host.rules[i].match.covers(m) {
			return i
		}
	}
	return -1
}

// example returns a request that the matcher probably matches.
func (m *matcher) example() *Request {
	req := &Request{Method: http.MethodGet, Authority: "example.test", Path: "/", Scheme: "http", Header: http.Header{}}
	if m.path.kind != matchPresent {
		req.Path = m.path.text
	}
	for i := range m.headers {
		h := &m.headers[i]
		switch {
		case h.not || h.of != OfHeader && h.match.kind == matchPresent:
		case h.of == OfMethod:
			req.Method = h.match.text
		case h.of == OfAuthority:
			req.Authority = h.match.text
		case h.of == OfScheme:
			req.Scheme = h.match.text
		case h.of == OfHeader:
			req.Header[h.key] = append(req.Header[h.key], h.match.text)
		}
	}
	var query []string
	for _, q := range m.query {
		query = append(query, q.name+"="+q.match.text)
	}
	if query != nil {
		req.Path += "?" + strings.Join(query, "&")
	}
	return req
}

// unreachedOf lists the unreached parts of a VirtualService: all of it, whole rules, or single blocks of a rule. A block that is neither
// among any caller's rules nor left out for a reason follows one that matches everything.
func (t *Table) unreachedOf(v *virtualService, r *reach) []Unreached {
	if !r.met[v.object] {
		why := t.neverApplied(v, r.callers)
		return []Unreached{{Object: v.object, Why: why.text, By: why.by}}
	}
	var out []Unreached
	var last cause // the block that matches everything
	for i, h := range v.http {
		var dead []Unreached
		blocks := istio.Matches(h)
		for j, m := range blocks {
			at := v.at(i, j)
			b := Block{at.object, at.place}
			if why := cmp.Or(r.why[b], last); !r.live[b] && why.text != "" {
				dead = append(dead, Unreached{at.object, at.name, b.Place, why.text, why.by})
			}
			if match, err := newMatcher(m); err == nil && match.catchAll() {
				last = cause{ruleText(at.name, b.Place) + " matches every request", b}
			}
		}
		if len(dead) == len(blocks) {
			at := v.at(i, 0)
			place, _, _ := strings.Cut(at.place, ".")
			dead = []Unreached{{at.object, cmp.Or(h.GetName(), place), place, dead[0].Why, dead[0].By}}
		}
		out = append(out, dead...)
	}
	return out
}

// neverApplied returns why no caller has any of a VirtualService's rules.
func (t *Table) neverApplied(v *virtualService, callers []caller) (why cause) {
	var texts []string
	for _, name := range v.gateways {
		if name == istio.MeshGateway {
			inMesh := t.neverAppliedInMesh(v, callers)
			texts, why.by = append(texts, inMesh.text), inMesh.by
		} else {
			texts = append(texts, t.neverAppliedAt(name, v))
		}
	}
	why.text = strings.Join(texts, "; ")
	return why
}

func (t *Table) neverAppliedInMesh(v *virtualService, callers []caller) cause {
	seen := slices.ContainsFunc(callers, func(c caller) bool { return !c.gateway && istio.VisibleFrom(v.exportTo, v.namespace, c.namespace) })
	if !seen {
		return cause{text: fmt.Sprintf("exportTo is [%s], and no workload with a sidecar is there", strings.Join(v.exportTo, ", "))}
	}
	for _, o := range t.compiler.rules {
		if o != v && slices.Contains(o.gateways, istio.MeshGateway) && slices.ContainsFunc(o.hosts, func(h string) bool { return slices.Contains(v.hosts, h) }) {
			return cause{o.object + " has its host first", Block{Object: o.object}}
		}
	}
	return cause{text: "no workload that sees it has a rule of it for its requests"}
}

func (t *Table) neverAppliedAt(name string, v *virtualService) string {
	g := t.compiler.gateway(name)
	if g == nil {
		return "there is no Gateway " + name
	}
	selected := slices.DeleteFunc(t.Gateways(), func(s Source) bool { return !g.selects(&s) })
	switch {
	case len(selected) == 0:
		return fmt.Sprintf("%s selects pods with %s, and no gateway of the lab has these labels", g.object, istio.LabelText(g.selector))
	case !slices.ContainsFunc(selected, func(s Source) bool { return istio.VisibleFrom(v.exportTo, v.namespace, s.Namespace) }):
		return fmt.Sprintf("exportTo is [%s], and the gateways are in namespace %s", strings.Join(v.exportTo, ", "), selected[0].Namespace)
	}
	if slices.ContainsFunc(g.servers, func(s *networking.Server) bool { return s.GetTls().GetHttpsRedirect() }) {
		return fmt.Sprintf("%s redirects the requests for its hosts to https, or has no rule of it", g.object)
	}
	return fmt.Sprintf("%s accepts none of its hosts, or has no rule of it", g.object)
}
