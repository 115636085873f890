package mesh

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/hopline/hopline/lab/mesh/fields"
	"github.com/hopline/hopline/lab/overlay"
	networking "istio.io/api/networking/v1alpha3"
)

// Table holds the compiled rules of an overlay. It is immutable: an edit makes another.
type Table struct {
	noMesh    bool
	compiler  *compiler
	watched   []string
	views     map[place][]*view
	noSidecar map[string]*view // by namespace, for pods without a sidecar
	policies  *policies
	callers   []caller
	sidecars  bool // whether any workload has one: else the callers are unknown
	rules     []Rule
	headers   []string // that any rule matches on

	unreached func() []Unreached
}

// Load reads an overlay and makes its table. The error, an *overlay.Report, holds all problems: what overlay.Load and the further checks
// find, and what the lab does not support. The overlay is never nil; after an error it lists the files to watch.
func Load(dir string, checks ...overlay.Check) (*overlay.Overlay, *Table, error) {
	var c compilation
	o, err := overlay.Load(dir, append([]overlay.Check{c.check}, checks...)...)
	if err != nil {
		return o, nil, err
	}
	return o, c.table, nil
}

// LoadLenient is Load for objects that others wrote; see overlay.LoadLenient.
func LoadLenient(names []string, stdin io.Reader, runs func(image string) bool, checks ...overlay.Check) (*overlay.Overlay, *Table, error) {
	var c compilation
	o, err := overlay.LoadLenient(names, stdin, runs, append([]overlay.Check{c.check}, checks...)...)
	if err != nil {
		return o, nil, err
	}
	return o, c.table, nil
}

// Edit makes the overlay and the table that a loaded overlay has with some fields set to other values; see overlay.Overlay.With. The error
// is that of Load.
func Edit(o *overlay.Overlay, edits []overlay.Edit) (*overlay.Overlay, *Table, error) {
	var c compilation
	edited, err := o.With(edits, c.check)
	if err != nil {
		return nil, nil, err
	}
	return edited, c.table, nil
}

// Replace makes the overlay and the table that a loaded overlay has with other objects; see overlay.Overlay.Replace. The error is that of
// Load.
func Replace(o *overlay.Overlay, name string, text []byte) (*overlay.Overlay, *Table, error) {
	var c compilation
	replaced, err := o.Replace(name, text, c.check)
	if err != nil {
		return nil, nil, err
	}
	return replaced, c.table, nil
}

// compilation makes a table as part of the checks of an overlay.
type compilation struct{ table *Table }

// check is an overlay.Check.
func (c *compilation) check(o *overlay.Overlay, report *overlay.Report) {
	if o.Whole() {
		c.table = compile(o, report)
	} else {
		fields.Check(o, report)
	}
}

// Compile makes the table of an overlay. The error, an *overlay.Report, lists everything that the lab does not support in it.
func Compile(o *overlay.Overlay) (*Table, error) {
	report := o.Report()
	t := compile(o, report)
	if err := report.Err(); err != nil {
		return nil, err
	}
	return t, nil
}

// compile makes the table; it returns nil if the report has any problem.
func compile(o *overlay.Overlay, report *overlay.Report) *Table {
	fields.Check(o, report)
	t := &Table{noMesh: hasNoMesh(o), views: map[place][]*view{}, noSidecar: map[string]*view{}}
	t.compiler = newCompiler(o, t.noMesh, report)
	t.compiler.checkConditions(report)
	t.watched, t.headers = t.compiler.watched, matchedHeaders(t.compiler.rules)
	t.addCallers()
	t.policies = newPolicies(o, report)
	if len(report.Problems) > 0 {
		return nil // the report has an error, so the table is not used
	}
	t.addNoSidecar(o)
	t.collectRules()
	t.unreached = sync.OnceValue(func() []Unreached { return t.findUnreached(t.callers, t.sidecars) })
	return t
}

// hasNoMesh reports whether an overlay has no Istio object and none of the Gateway API.
func hasNoMesh(o *overlay.Overlay) bool {
	return !o.HasIstio() && !slices.ContainsFunc(o.NotEnforced, func(m overlay.Meta) bool { return strings.Contains(m.APIVersion, "istio.io/") })
}

// addView compiles the view of a caller, unless another caller has the same view.
func (t *Table) addView(src *Source) *view {
	v := t.findView(src)
	if v == nil {
		at := place{src.Namespace, src.Gateway}
		v = t.compiler.view(src)
		t.views[at] = append(t.views[at], v)
	}
	return v
}

// addNoSidecar compiles the views of pods without a sidecar: only Services, no rules.
func (t *Table) addNoSidecar(o *overlay.Overlay) {
	var report overlay.Report
	services := newCompiler(&overlay.Overlay{Services: o.Services}, true, &report)
	for _, d := range o.Deployments {
		if t.noSidecar[d.Namespace] == nil {
			t.noSidecar[d.Namespace] = services.view(&Source{Namespace: d.Namespace})
		}
	}
	t.noSidecar[""] = services.view(&Source{})
}

func (t *Table) findView(src *Source) *view {
	for _, v := range t.views[place{src.Namespace, src.Gateway}] {
		if v.has(t.watched, src.Labels) {
			return v
		}
	}
	return nil
}

// view returns the view of a caller. It compiles one for a caller that matches no Deployment of the overlay.
func (t *Table) view(src *Source) *view {
	if v := t.findView(src); v != nil {
		return v
	}
	return t.compiler.view(src)
}

// NoMesh reports whether the overlay has no Istio object: then requests are routed only by Service.
func (t *Table) NoMesh() bool { return t.noMesh }

// MatchedHeaders returns the names of the request headers that any rule matches on, in the canonical form of net/http, sorted. It does not
// include the parts of the request line that Istio lets a rule match as a header, such as :method and Host.
func (t *Table) MatchedHeaders() []string { return t.headers }

// matchedHeaders lists the headers of MatchedHeaders.
func matchedHeaders(rules []*virtualService) []string {
	seen := map[string]bool{}
	add := func(matches map[string]*networking.StringMatch) {
		for name, m := range matches {
			if h, err := newHeaderMatch(name, m, false); err == nil && h.of == OfHeader {
				seen[h.key] = true
			}
		}
	}
	for _, v := range rules {
		for _, h := range v.http {
			for _, m := range h.GetMatch() {
				add(m.GetHeaders())
				add(m.GetWithoutHeaders())
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// Clusters returns all clusters that any decision can name. A name occurs once for each kind of caller, possibly with different policies.
func (t *Table) Clusters() []*Cluster {
	var out []*Cluster
	for _, views := range t.views {
		for _, v := range views {
			out = append(out, v.clusters()...)
		}
	}
	for _, v := range t.noSidecar {
		out = append(out, v.clusters()...)
	}
	return out
}

// GatewayPorts returns the ports that Gateways open on a gateway, ascending.
func (t *Table) GatewayPorts(src *Source) []int { return t.view(src).gatewayPorts() }

// Missing returns the text for a request to a host that no Service or ServiceEntry has: it names what is missing.
func (t *Table) Missing(req *Request, src *Source) string {
	host := strings.ToLower(withoutPort(req.Authority))
	if text := t.uncarriedText(host, req.Port, src.Namespace); text != "" {
		return text
	}
	v := t.view(src)
	var elsewhere []string
	for _, port := range v.gatewayPorts() {
		if h := v.ports[port].names[host]; h != nil && port != req.Port {
			elsewhere = append(elsewhere, fmt.Sprint(port))
		}
	}
	if elsewhere != nil {
		return fmt.Sprintf("%s has no port %d in the mesh: want %s", host, req.Port, strings.Join(elsewhere, " or "))
	}
	if why := t.hidden(host, src); why != "" {
		return why
	}
	return fmt.Sprintf("no Service or ServiceEntry that namespace %s sees has the host %s: to call it, add a ServiceEntry with hosts [%s] and port %d",
		src.Namespace, host, host, req.Port)
}
