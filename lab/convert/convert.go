package convert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
	"github.com/hopline/hopline/lab/rules"
)

// Options holds the choices of a conversion.
type Options struct {
	// Segments writes prefixes of paths as PathPrefix, which matches whole segments: "/a" no longer matches "/ab". Without it they are
	// regular expressions, unless a rule rewrites the prefix.
	Segments bool
}

// Result holds what takes the place of VirtualServices and of subsets.
type Result struct {
	Objects  []Object       // in the order in which they are written
	Added    []overlay.Meta // the Services among them
	Replaced []overlay.Meta // VirtualServices and DestinationRules that the objects replace
	Reduced  []overlay.Meta // DestinationRules that stay, without their subsets
	Notes    []string       // what changes besides routing, one line each

	without80 []string // hosts of the mesh that have no port 80
}

// Object is one object to write.
type Object struct {
	overlay.Meta
	Spec any // a struct with field tags, or an Istio message

	of    string   // the object that it is made of, for messages
	stays bool     // whether it is an object of the files, without its subsets
	rules []string // of an HTTPRoute: for each rule, the path of the rule that it is made of
}

// Convert converts rules. The error is an *overlay.Report of what has no counterpart, with its place; then nothing is converted.
func Convert(r *rules.Rules, options Options) (*Result, error) {
	c := newConverter(r, options)
	for _, p := range r.Gaps() {
		c.gap(p)
	}
	c.findVersions()
	c.findRoutes()
	c.addVersions()
	c.addReduced()
	c.addGateways()
	c.addRoutes()
	c.addGrants()
	if len(c.report.Problems) == 0 && len(c.out.Objects) == 0 {
		c.report.Problems = append(c.report.Problems, overlay.Problem{Reason: "want VirtualServices or subsets of DestinationRules to convert, got none"})
	}
	if err := c.report.Err(); err != nil {
		return nil, err
	}
	return &c.out, nil
}

// converter converts one set of rules.
type converter struct {
	Options
	overlay  *overlay.Overlay
	report   *overlay.Report
	services map[string]*overlay.Service // by host
	entries  map[string]*overlay.Istio[*networking.ServiceEntry]
	versions map[overlay.SubsetName]*version
	gateways map[string]*gateway // by namespace and name of Istio's Gateway; nil if it cannot be converted
	routes   []*route
	granted  map[grantKey][]string // names of Services
	given    map[string]bool       // objects that are assumed to exist
	taken    map[string]string     // hosts of the mesh with the namespace of their routes, by VirtualService
	names    names
	out      Result
}

func newConverter(r *rules.Rules, options Options) *converter {
	o := r.Overlay
	c := &converter{Options: options, overlay: o, given: map[string]bool{}, report: o.Report(), services: map[string]*overlay.Service{},
		entries: map[string]*overlay.Istio[*networking.ServiceEntry]{}, versions: map[overlay.SubsetName]*version{},
		gateways: map[string]*gateway{}, taken: map[string]string{}, names: names{}}
	for i := range o.Services {
		s := &o.Services[i]
		c.services[istio.ServiceHost(s.Name, s.Namespace)] = s
	}
	for i := range o.ServiceEntries {
		for _, h := range o.ServiceEntries[i].Spec.GetHosts() {
			c.entries[h] = &o.ServiceEntries[i]
		}
	}
	for _, m := range o.Objects() {
		c.names.take(m)
	}
	c.findGiven()
	return c
}

// gap rejects a part of an object that Hopline does not compute, if the object is converted: the result would not have that part.
func (c *converter) gap(p overlay.Problem) {
	switch kind, _, _ := strings.Cut(p.Object, " "); kind {
	case "VirtualService", "DestinationRule":
		p.Reason = "want only what can be compared: " + p.Reason
		c.report.Problems = append(c.report.Problems, p)
	}
}

// reject adds a problem of an object of the files.
func (c *converter) reject(object fmt.Stringer, path, reason string, args ...any) {
	c.report.Add(object.String(), path, reason, args...)
}

func (c *converter) note(format string, args ...any) {
	if line := fmt.Sprintf(format, args...); !slices.Contains(c.out.Notes, line) {
		c.out.Notes = append(c.out.Notes, line)
	}
}

// isGiven reports whether an object is not among the files, but assumed to exist.
func (c *converter) isGiven(m overlay.Meta) bool { return c.given[m.String()] }

// findGiven finds the objects that are assumed to exist: they have no place in a file.
func (c *converter) findGiven() {
	if c.overlay.Complete || !c.overlay.Lenient {
		return
	}
	report := c.overlay.Report()
	for _, m := range c.overlay.Objects() {
		report.Add(m.String(), "", "")
	}
	for _, p := range report.Located() {
		c.given[p.Object] = p.File == ""
	}
}

// byPlace orders objects by namespace and name.
func byPlace(a, b overlay.Meta) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}
