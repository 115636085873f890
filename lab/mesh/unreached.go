package mesh

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
	networking "istio.io/api/networking/v1alpha3"
)

// Unreached is a rule that no request of the overlay's workloads and gateways can reach, or a VirtualService with no reachable rule.
type Unreached struct {
	Object string // "VirtualService hopline/middle"
	Rule   string // the rule's name; empty for all rules of the object
	Place  string // "http[1]", or "http[1].match[0]" if requests reach other matches of the rule
	Why    string // "everybody (http[0]) matches every request"
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

// block is one match block of a VirtualService's rule.
type block struct{ object, place string }

// reach holds what is known about the blocks.
type reach struct {
	live   map[block]bool
	why    map[block]string // why not, for blocks that are not reached
	met    map[string]bool  // objects with any rule in a virtual host that requests reach
	budget int              // comparisons left; at 0 the search stops
}

// maxComparisons bounds the search for rules that cover others, which is quadratic at worst. The search ends within some milliseconds;
// blocks that are not compared count as reached.
const maxComparisons = 1_000_000

// findUnreached checks all rules that apply to callers.
func (t *Table) findUnreached() []Unreached {
	r := &reach{live: map[block]bool{}, why: map[block]string{}, met: map[string]bool{}, budget: maxComparisons}
	for _, c := range t.callers {
		for _, port := range c.view.gatewayPorts() {
			for _, host := range c.view.ports[port].hosts() {
				r.look(host)
			}
		}
	}
	var out []Unreached
	for _, v := range t.compiler.rules {
		if t.sidecars || !slices.Contains(v.gateways, istio.MeshGateway) {
			out = append(out, t.unreachedOf(v, r)...)
		}
	}
	return out
}

// look finds the reached rules of a virtual host.
func (r *reach) look(host *virtualHost) {
	for i := range host.rules {
		rule := &host.rules[i]
		at := block{rule.route.Object, rule.route.Place}
		r.met[at.object] = true
		if r.live[at] {
			continue
		}
		if by := r.coveredBy(host, i); by < 0 {
			r.live[at] = true
		} else {
			r.why[at] = takes(&host.rules[by], at.object)
		}
	}
	for _, o := range host.over {
		r.met[o.object] = true
		if at := (block{o.object, o.place}); r.why[at] == "" {
			r.why[at] = o.why
		}
	}
}

// takes returns the statement that a rule matches everything that a rule of an object would match.
func takes(by *rule, object string) string {
	name := ruleText(by.route.Rule, by.route.Place)
	if by.route.Object != object {
		name = by.route.Object + " " + name
	}
	if by.match.catchAll() {
		return name + " matches every request"
	}
	return name + " matches every such request"
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
		case h.not || h.pseudo != realHeader && h.match.kind == matchPresent:
		case h.pseudo == pseudoMethod:
			req.Method = h.match.text
		case h.pseudo == pseudoAuthority:
			req.Authority = h.match.text
		case h.pseudo == pseudoScheme:
			req.Scheme = h.match.text
		case h.pseudo == realHeader:
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
		return []Unreached{{Object: v.object, Why: t.neverAsked(v)}}
	}
	var out []Unreached
	last := "" // the block that matches everything
	for i, h := range v.http {
		var dead []Unreached
		blocks := matchesOf(h)
		for j, m := range blocks {
			at := rulePlace{i, j, len(h.GetMatch()) > 0}
			name := ruleName(h, m, at)
			b := block{v.object, at.String()}
			if why := cmp.Or(r.why[b], last); !r.live[b] && why != "" {
				dead = append(dead, Unreached{v.object, name, at.String(), why})
			}
			if match, err := newMatcher(m); err == nil && match.catchAll() {
				last = ruleText(name, at.String()) + " matches every request"
			}
		}
		if len(dead) == len(blocks) {
			place := fmt.Sprintf("http[%d]", i)
			dead = []Unreached{{v.object, cmp.Or(h.GetName(), place), place, dead[0].Why}}
		}
		out = append(out, dead...)
	}
	return out
}

// neverAsked returns why no caller has any of a VirtualService's rules.
func (t *Table) neverAsked(v *virtualService) string {
	var why []string
	for _, name := range v.gateways {
		if name == istio.MeshGateway {
			why = append(why, t.neverAskedInMesh(v))
		} else {
			why = append(why, t.neverAskedAt(name, v))
		}
	}
	return strings.Join(why, "; ")
}

func (t *Table) neverAskedInMesh(v *virtualService) string {
	seen := slices.ContainsFunc(t.callers, func(c caller) bool { return !c.gateway && istio.VisibleFrom(v.exportTo, v.namespace, c.namespace) })
	if !seen {
		return fmt.Sprintf("exportTo is [%s], and no workload with a sidecar is there", strings.Join(v.exportTo, ", "))
	}
	for _, o := range t.compiler.rules {
		if o != v && slices.Contains(o.gateways, istio.MeshGateway) && slices.ContainsFunc(o.hosts, func(h string) bool { return slices.Contains(v.hosts, h) }) {
			return o.object + " has its host first"
		}
	}
	return "no workload that sees it has a rule of it for its requests"
}

func (t *Table) neverAskedAt(name string, v *virtualService) string {
	i := slices.IndexFunc(t.compiler.overlay.Gateways, func(g overlay.Istio[*networking.Gateway]) bool { return g.Namespace+"/"+g.Name == name })
	if i < 0 {
		return "there is no Gateway " + name
	}
	g := &t.compiler.overlay.Gateways[i]
	ingress, egress := IngressGateway(), EgressGateway()
	switch {
	case !istio.HasLabels(ingress.Labels, g.Spec.GetSelector()) && !istio.HasLabels(egress.Labels, g.Spec.GetSelector()):
		return fmt.Sprintf("%s selects pods with %s, and no gateway of the lab has these labels", g, istio.LabelText(g.Spec.GetSelector()))
	case !istio.VisibleFrom(v.exportTo, v.namespace, istio.RootNamespace):
		return fmt.Sprintf("exportTo is [%s], and the gateways are in namespace %s", strings.Join(v.exportTo, ", "), istio.RootNamespace)
	}
	return fmt.Sprintf("%s accepts none of its hosts, or has no rule of it", g)
}
