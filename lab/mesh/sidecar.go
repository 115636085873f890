package mesh

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
	networking "istio.io/api/networking/v1alpha3"
)

// scope holds the hosts that a workload's Sidecar object makes visible; the zero scope is all hosts.
// (https://istio.io/latest/docs/reference/config/networking/sidecar/)
type scope struct {
	hosts   []scopeHost // nil: all
	object  string      // the Sidecar; empty for none
	written []string    // its hosts as written
	// outbound is what it states about requests to unknown hosts; nil for nothing.
	outbound *networking.OutboundTrafficPolicy
}

// text describes the hosts that the Sidecar makes visible.
func (s scope) text() string {
	return fmt.Sprintf("%s makes only [%s] visible", s.object, strings.Join(s.written, ", "))
}

// SidecarOf returns the Sidecar object of a workload; "" for none.
func (t *Table) SidecarOf(src *Source) string {
	return newScope(t.compiler.overlay, src.Namespace, src.Labels).object
}

// scopeHost is one entry of a Sidecar's egress hosts, "namespace/host".
type scopeHost struct {
	namespace, host string // "*" for any
	not             bool   // "~namespace/host": excluded
}

// newScope finds the Sidecar of a workload: one of its namespace that selects it, else its namespace's default, else the root namespace's.
func newScope(o *overlay.Overlay, namespace string, labels map[string]string) scope {
	var best *overlay.Istio[*networking.Sidecar]
	rank := 0
	sidecars := slices.Clone(o.Sidecars)
	slices.SortStableFunc(sidecars, func(a, b overlay.Istio[*networking.Sidecar]) int { return a.CompareAge(b.Meta) })
	for i := range sidecars {
		s, r := &sidecars[i], 0
		selector := s.Spec.GetWorkloadSelector()
		switch {
		case s.Namespace == namespace && selector != nil && istio.HasLabels(labels, selector.GetLabels()):
			r = 3
		case s.Namespace == namespace && selector == nil:
			r = 2
		case s.Namespace == istio.RootNamespace && selector == nil:
			r = 1
		}
		if r > rank {
			best, rank = s, r
		}
	}
	var out scope
	if best == nil {
		return out
	}
	out.object, out.outbound = best.String(), best.Spec.GetOutboundTrafficPolicy()
	for _, e := range best.Spec.GetEgress() {
		for _, h := range e.GetHosts() {
			out.written = append(out.written, h)
			out.hosts = append(out.hosts, newScopeHost(h, namespace))
		}
	}
	return out
}

func newScopeHost(entry, namespace string) scopeHost {
	owner, host, _ := strings.Cut(entry, "/")
	out := scopeHost{host: host}
	owner, out.not = strings.CutPrefix(owner, "~")
	switch {
	case owner == ".":
		owner = namespace
	case owner == "" && out.not:
		owner = "*"
	}
	out.namespace = owner
	return out
}

// sees reports whether the scope includes a host of a namespace. It compares them with covers(host, entry).
func (s scope) sees(namespace, host string, covers func(a, b string) bool) bool {
	if s.hosts == nil {
		return true
	}
	seen := false
	for _, h := range s.hosts {
		if h.namespace != "*" && h.namespace != namespace {
			continue
		}
		if h.not && istio.Within(host, h.host) {
			return false
		}
		seen = seen || !h.not && covers(host, h.host)
	}
	return seen
}

// services returns the services in scope.
func (s scope) services(all []*service) []*service {
	if s.hosts == nil {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(v *service) bool { return !s.sees(v.namespace, v.host, istio.Within) })
}

// virtualServices returns the VirtualServices with a host in scope.
func (s scope) virtualServices(all []*virtualService) []*virtualService {
	if s.hosts == nil {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(v *virtualService) bool {
		matches := istio.Overlap
		if v.fromRoutes() {
			matches = istio.Within
		}
		return !slices.ContainsFunc(v.hosts, func(h string) bool { return s.sees(v.namespace, h, matches) })
	})
}

// sidecar compiles the ports of a sidecar one by one.
type sidecar struct {
	listener
	services []*service        // with a name in the sidecar's listeners
	rules    []*virtualService // bound to "mesh"
	byHost   map[string]string // the VirtualService, as "namespace/name", that matches a service's host most exactly
	noMesh   bool
}

// newSidecar decides which VirtualService's rules apply to each service if several match its host by wildcards.
func newSidecar(l listener, services []*service, rules []*virtualService, noMesh bool) *sidecar {
	s := &sidecar{listener: l, services: services, rules: rules, byHost: map[string]string{}, noMesh: noMesh}
	named := map[string]string{}
	for _, v := range rules {
		for _, h := range v.hosts {
			if _, ok := named[h]; !ok {
				named[h] = v.namespace + "/" + v.name
			}
		}
	}
	for _, svc := range services {
		if v, ok := istio.MostSpecific(named, svc.host); ok {
			s.byHost[svc.host] = v
		}
	}
	return s
}

// ports returns the ports of all services.
func (s *sidecar) ports() []int {
	ports := []int{80} // it also has the hosts of VirtualServices without a service
	for _, svc := range s.services {
		for _, p := range svc.ports {
			if p.http {
				ports = append(ports, p.number)
			}
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// table compiles one port: first the hosts of VirtualServices, then services without rules of their own.
// (pilot/pkg/networking/core/httproute.go, BuildSidecarOutboundVirtualHosts)
func (s *sidecar) table(port int) *portTable {
	s.port = port
	s.portOf = func(string) int { return port }
	services := map[string]*service{}
	for _, svc := range s.services {
		if p, ok := svc.port(port); ok && p.http {
			services[strings.ToLower(svc.host)] = svc
		}
	}
	t := newPortTable()
	s.refuse(t, services)
	taken := map[string]bool{}
	for _, v := range s.rules {
		hosts, of := s.hostsOf(v, services)
		if port != 80 && len(of) == 0 || v.fromRoutes() && !s.concerns(v, of) {
			continue
		}
		rules, over := s.listener.rules(v)
		if len(rules) == 0 {
			continue
		}
		host := newVirtualHost(v.object, rules, over)
		for _, h := range hosts {
			if !taken[h] {
				taken[h] = true
				t.add(h, host)
			}
		}
		for _, svc := range of {
			if name := strings.ToLower(svc.host); !taken[name] {
				taken[name] = true
				s.addService(t, svc, host, services)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(services)) {
		if svc := services[name]; !taken[name] {
			s.addService(t, svc, s.defaultHost(svc, port), services)
		}
	}
	return t
}

// refuse adds the services whose port is of a protocol that is not carried: their connections reach no rule, not even one of a
// VirtualService with their host.
func (s *sidecar) refuse(t *portTable, services map[string]*service) {
	refused := newVirtualHost("", nil, nil)
	refused.refused = true
	for _, svc := range s.services {
		if p, ok := svc.port(s.port); ok && !p.http && svc.gateway == "" {
			s.addService(t, svc, refused, services)
		}
	}
}

// concerns reports whether the rules of HTTPRoutes apply here: they do for callers of their own namespace, and for Services of it.
// (pilot/pkg/networking/core/route/route.go of Istio 1.31, buildSidecarVirtualHostsForVirtualService)
func (s *sidecar) concerns(v *virtualService, of []*service) bool {
	return slices.ContainsFunc(of, func(svc *service) bool { return v.namespace == s.namespace || v.namespace == svc.namespace })
}

// hostsOf splits a VirtualService's hosts into names without a service, and services.
func (s *sidecar) hostsOf(v *virtualService, services map[string]*service) (names []string, of []*service) {
	for _, h := range v.hosts {
		h = strings.ToLower(h)
		if !istio.IsWildcard(h) {
			if svc := services[h]; svc != nil {
				of = append(of, svc)
			} else {
				names = append(names, h)
			}
			continue
		}
		if v.fromRoutes() { // their wildcards match no Service
			names = append(names, h)
			continue
		}
		found := false
		for _, name := range slices.Sorted(maps.Keys(services)) {
			if !istio.Overlap(name, h) {
				continue
			}
			found = true
			if s.byHost[services[name].host] == v.namespace+"/"+v.name {
				of = append(of, services[name])
			}
		}
		if !found {
			names = append(names, h)
		}
	}
	return names, of
}

// addService adds all names of a service, except short ones that are another service's full name.
func (s *sidecar) addService(t *portTable, svc *service, host *virtualHost, services map[string]*service) {
	for i, d := range istio.Domains(svc.host, s.namespace) {
		if i == 0 || services[strings.ToLower(d)] == nil {
			t.add(d, host)
		}
	}
	for _, a := range svc.addresses {
		t.add(a, host)
	}
}

func (s *sidecar) defaultHost(svc *service, port int) *virtualHost {
	// lower case, as in Istio: a ServiceEntry for a host with capitals has no default route that works
	host := strings.ToLower(svc.host)
	route := defaultRoute(svc, s.clusters.get(host, port, ""), s.clusters.hash(host, port, ""), s.noMesh)
	return newVirtualHost(svc.object, []rule{{match: matcher{path: anyPath()}, route: route}}, nil)
}
