package gatewayapi

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
	networking "istio.io/api/networking/v1alpha3"
)

// Rules holds what the objects of the Gateway API in an overlay mean to Istio.
type Rules struct {
	Gateways   []Gateway        // one for each listener
	Routes     []VirtualService // in the order of their age and name, as Istio sorts VirtualServices
	Written    []WrittenRule    // the rules of all HTTPRoutes, in the overlay's order
	Conditions []Condition      // of Gateways, then of routes, in the overlay's order; not nil
	Listeners  []ListenerStatus // of Gateways of Istio's class, in the overlay's order
}

// Gateway is Istio's Gateway for one listener.
type Gateway struct {
	overlay.Meta        // Name is the internal name, to which the VirtualServices of the listener are bound
	Object       string // the Gateway that has the listener
	Selector     map[string]string
	// Servers has one element. It is empty if the Service of the gateway does not have the port: then nothing listens.
	Servers []*networking.Server
}

// VirtualService is Istio's VirtualService for one host of one gateway, or of the mesh.
type VirtualService struct {
	overlay.Meta        // Name is the internal name
	Host         string // with capital letters as written
	Gateway      string // "mesh", or the namespace and internal name of a Gateway
	Rules        []Rule
}

// Objects returns the HTTPRoutes that the VirtualService has rules of: "HTTPRoute hopline/a, HTTPRoute hopline/b".
func (v *VirtualService) Objects() string {
	var objects []string
	for _, r := range v.Rules {
		if !slices.Contains(objects, r.Object) {
			objects = append(objects, r.Object)
		}
	}
	return strings.Join(objects, ", ")
}

// Rule is one match of one rule of an HTTPRoute.
type Rule struct {
	Object string                // "HTTPRoute hopline/middle"
	Name   string                // of the rule; empty if it has none
	Place  string                // "rules[1].matches[0]"
	HTTP   *networking.HTTPRoute // with one match
}

// WrittenRule is one rule of an HTTPRoute as written.
type WrittenRule struct {
	Object    string
	Namespace string
	Name      string   // empty if it has none
	Place     string   // "rules[1]"
	Hosts     []string // that it applies to
	Gateway   bool     // whether it applies at a Gateway
	// HTTP has all matches. It is nil if Istio drops the route.
	HTTP *networking.HTTPRoute
}

// Convert converts the objects of an overlay.
func Convert(o *overlay.Overlay) *Rules {
	c := newConverter(o)
	out := &Rules{}
	for i := range o.KubernetesGateways {
		out.Gateways = append(out.Gateways, c.gateway(&o.KubernetesGateways[i])...)
	}
	var based []based
	for i := range o.HTTPRoutes {
		virtualServices, written := c.route(&o.HTTPRoutes[i])
		based, out.Written = append(based, virtualServices...), append(out.Written, written...)
	}
	out.Routes, out.Conditions, out.Listeners = merge(based), c.conditions, c.listenerStatus
	return out
}

// Find returns the match of a rule of an HTTPRoute by its place; nil if there is none.
func (r *Rules) Find(object, place string) *Rule {
	for i := range r.Routes {
		for j := range r.Routes[i].Rules {
			if rule := &r.Routes[i].Rules[j]; rule.Object == object && rule.Place == place {
				return rule
			}
		}
	}
	return nil
}

// converter holds what conversions look up.
type converter struct {
	overlay    *overlay.Overlay
	services   map[string]bool              // "namespace/name"
	hosts      map[string]bool              // of Services and ServiceEntries
	namespaces map[string]map[string]string // labels, by name
	listeners  map[string][]*listener       // by namespace and name of the Gateway
	conditions []Condition

	listenerStatus []ListenerStatus
}

func newConverter(o *overlay.Overlay) *converter {
	c := &converter{overlay: o, conditions: []Condition{}, services: map[string]bool{}, hosts: map[string]bool{}, namespaces: map[string]map[string]string{}, listeners: map[string][]*listener{}}
	for _, g := range istio.Gateways() {
		c.services[istio.RootNamespace+"/"+g.Name] = true
	}
	for _, s := range o.Services {
		c.services[s.Namespace+"/"+s.Name] = true
	}
	for name := range c.services {
		namespace, name, _ := strings.Cut(name, "/")
		c.hosts[istio.ServiceHost(name, namespace)] = true
	}
	for _, e := range o.ServiceEntries {
		for _, h := range e.Spec.GetHosts() {
			c.hosts[h] = true
		}
	}
	for _, m := range o.Objects() {
		if m.Namespace != "" && c.namespaces[m.Namespace] == nil {
			c.namespaces[m.Namespace] = map[string]string{}
		}
	}
	for _, n := range o.Namespaces {
		c.namespaces[n.Name] = n.Labels
	}
	return c
}

// based is a VirtualService before the merge, with the key by which it is merged.
type based struct {
	VirtualService
	key string
}

// merge joins the VirtualServices of each key: a host of a gateway, or a host of the mesh for the routes of one namespace. The rules of
// older routes are first among equals.
// (route_collections.go, mergeHTTPRoutes)
func merge(all []based) []VirtualService {
	byKey := map[string][]based{}
	for _, b := range all {
		byKey[b.key] = append(byKey[b.key], b)
	}
	var out []VirtualService
	for key, of := range byKey {
		slices.SortStableFunc(of, func(a, b based) int { return older(a.Meta, b.Meta) })
		v := of[0].VirtualService
		v.Rules = nil
		for _, b := range of {
			v.Rules = append(v.Rules, b.Rules...)
		}
		sortRules(v.Rules)
		v.Name = strings.ReplaceAll(key, "/", "~")
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b VirtualService) int { return a.CompareAge(b.Meta) })
	return out
}

// older orders routes by age, then by namespace and name. One without a time is younger than any other, as for Meta.CompareAge.
// (conversion.go, sortRoutesByCreationTime)
func older(a, b overlay.Meta) int {
	named := cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	a.Name, a.Namespace, b.Name, b.Namespace = "", "", "", ""
	return cmp.Or(a.CompareAge(b), named)
}

// sortRules sorts rules by the precedence of the Gateway API: exact paths before prefixes, then regular expressions; then the longer path, a
// method, more headers, and more query parameters.
// (conversion.go, sortHTTPRoutes)
func sortRules(rules []Rule) {
	slices.SortStableFunc(rules, func(a, b Rule) int { return comparePrecedence(a.HTTP.GetMatch()[0], b.HTTP.GetMatch()[0]) })
}

func comparePrecedence(a, b *networking.HTTPMatchRequest) int {
	x, y := precedence(a), precedence(b)
	return slices.Compare(y[:], x[:])
}

// Precedence is the rank of a match: the kind of its path, the length of the path, and the number of conditions on the method, on headers and on
// query parameters. Of two matches the one with the greater number at the first difference is tried first.
type Precedence [5]int

// PrecedenceOf returns the rank of a match whose defaults are filled in.
func PrecedenceOf(m *overlay.HTTPRouteMatch) Precedence { return precedence(match(m)) }

func precedence(m *networking.HTTPMatchRequest) Precedence {
	kind, length := pathRank(m.GetUri())
	return Precedence{kind, length, methods(m), len(m.GetHeaders()), len(m.GetQueryParams())}
}

// pathRank returns the rank of a kind of path match, and the length of the path.
func pathRank(m *networking.StringMatch) (kind, length int) {
	switch t := m.GetMatchType().(type) {
	case *networking.StringMatch_Exact:
		return 3, len(t.Exact)
	case *networking.StringMatch_Prefix:
		return 2, len(t.Prefix)
	case *networking.StringMatch_Regex:
		return 1, len(t.Regex)
	}
	return -1, 0
}

func methods(m *networking.HTTPMatchRequest) int {
	if m.GetMethod() == nil {
		return 0
	}
	return 1
}

// Before returns why the rules of a have precedence over the rules of b if a request matches both; "" if b has it, or they are of one
// object in its order.
func Before(a, b *Rule) string {
	x, y := a.HTTP.GetMatch()[0], b.HTTP.GetMatch()[0]
	kindX, lengthX := pathRank(x.GetUri())
	kindY, lengthY := pathRank(y.GetUri())
	switch {
	case kindX > kindY:
		return fmt.Sprintf("%s goes before %s", pathKind(x.GetUri()), pathKind(y.GetUri()))
	case kindX == kindY && lengthX > lengthY:
		return "its path is longer"
	case kindX != kindY || lengthX != lengthY:
		return ""
	case methods(x) > methods(y):
		return "it names a method"
	case methods(x) == methods(y) && len(x.GetHeaders()) > len(y.GetHeaders()):
		return "it names more headers"
	case methods(x) == methods(y) && len(x.GetHeaders()) == len(y.GetHeaders()) && len(x.GetQueryParams()) > len(y.GetQueryParams()):
		return "it names more query parameters"
	case comparePrecedence(x, y) == 0 && a.Object != b.Object:
		return "its route is older, or has the first name of two of one age"
	}
	return ""
}

func pathKind(m *networking.StringMatch) string {
	switch m.GetMatchType().(type) {
	case *networking.StringMatch_Exact:
		return "an exact path"
	case *networking.StringMatch_Prefix:
		return "a prefix"
	}
	return "a regular expression"
}
