package gatewayapi

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
)

func itoa(n int) string { return strconv.Itoa(n) }

// attachment is a listener, or the mesh, that accepts a route.
type attachment struct {
	parent   *overlay.ParentRef
	listener *listener // nil for the mesh
	internal string    // "mesh", or the internal name of the converted Gateway
	hostname string    // of the listener
	banned   []string  // hostnames of the other listeners of the same Gateway, port and protocol
	hosts    []string  // of the mesh: the hosts of the Service or the ServiceEntry
}

func (a *attachment) mesh() bool { return a.internal == istio.MeshGateway }

// parents returns what accepts a route, by the names of the converted Gateways, and adds the condition Accepted for each parent.
// (conversion.go, extractParentReferenceInfo and referenceAllowed)
func (c *converter) parents(r *overlay.HTTPRoute) (all []attachment) {
	for i := range r.Spec.ParentRefs {
		p := &r.Spec.ParentRefs[i]
		found, fault := c.attach(r, p, "spec.parentRefs["+itoa(i)+"]")
		if len(found) > 0 {
			fault = nil
		}
		c.add(parentOf(r, i), "Accepted", fault)
		for _, a := range found {
			if !a.mesh() {
				c.listenerStatus[a.listener.status].Routes++
			}
		}
		all = append(all, found...)
	}
	slices.SortStableFunc(all, func(a, b attachment) int {
		return cmp.Or(cmp.Compare(a.internal, b.internal), cmp.Compare(parentKey(r, a.parent), parentKey(r, b.parent)))
	})
	return all
}

// parentOf returns the subject of the conditions for the i-th parent of a route.
func parentOf(r *overlay.HTTPRoute, i int) subject {
	return subject{object: r.String(), of: parentText(r, &r.Spec.ParentRefs[i]), part: i}
}

// parentText returns the name of a parent for messages: "Gateway istio-system/hopline listener http", "Service hopline/middle port 80".
func parentText(r *overlay.HTTPRoute, p *overlay.ParentRef) string {
	text := p.Kind + " " + cmp.Or(p.Namespace, r.Namespace) + "/" + p.Name
	if p.SectionName != "" {
		text += " listener " + p.SectionName
	}
	if p.Port != 0 {
		text += " port " + itoa(p.Port)
	}
	return text
}

// parentKey orders the parents of a route.
// (conversion.go, parentRefString)
func parentKey(r *overlay.HTTPRoute, p *overlay.ParentRef) string {
	return overlay.GroupOf(p.Group) + "/" + p.Kind + "/" + p.Name + "/" + p.SectionName + "/" + itoa(p.Port) + "." + cmp.Or(p.Namespace, r.Namespace)
}

// knows reports whether Istio checks the references of a route for a parent: a Gateway with a listener, or the mesh.
// (conversion.go, extractParentReferenceInfo)
func (c *converter) knows(r *overlay.HTTPRoute, p *overlay.ParentRef) bool {
	switch overlay.GroupOf(p.Group) + "/" + p.Kind {
	case overlay.GatewayAPI + "/Gateway":
		return len(c.listeners[cmp.Or(p.Namespace, r.Namespace)+"/"+p.Name]) > 0
	case "/Service", "networking.istio.io/ServiceEntry":
		return true
	}
	return false
}

func (c *converter) attach(r *overlay.HTTPRoute, p *overlay.ParentRef, path string) ([]attachment, *failure) {
	namespace := cmp.Or(p.Namespace, r.Namespace)
	switch overlay.GroupOf(p.Group) + "/" + p.Kind {
	case overlay.GatewayAPI + "/Gateway":
		return c.attachToGateway(r, p, path, namespace+"/"+p.Name)
	case "/Service":
		if !c.services[namespace+"/"+p.Name] {
			return nil, failed("NoMatchingParent", path+".name", "no Service %s/%s%s", namespace, p.Name, c.hint(namespace, p.Name))
		}
		return []attachment{{parent: p, internal: istio.MeshGateway, hosts: []string{istio.ServiceHost(p.Name, namespace)}}}, nil
	case "networking.istio.io/ServiceEntry":
		for _, e := range c.overlay.ServiceEntries {
			if e.Namespace == namespace && e.Name == p.Name {
				return []attachment{{parent: p, internal: istio.MeshGateway, hosts: e.Spec.GetHosts()}}, nil
			}
		}
		return nil, failed("NoMatchingParent", path+".name", "no ServiceEntry %s/%s", namespace, p.Name)
	}
	return nil, failed("NoMatchingParent", path+".kind", "want a Gateway, a Service (of group \"\") or a ServiceEntry (of group networking.istio.io), got %s of group %q", p.Kind, overlay.GroupOf(p.Group))
}

func (c *converter) attachToGateway(r *overlay.HTTPRoute, p *overlay.ParentRef, path, gateway string) (all []attachment, fault *failure) {
	listeners := c.listeners[gateway]
	if len(listeners) == 0 {
		return nil, failed("NoMatchingParent", path+".name", "no Gateway %s of class %s with a listener for HTTP", gateway, Class)
	}
	for _, l := range listeners {
		if f := l.denies(r, p, path); f != nil {
			if fault == nil || severity(f) > severity(fault) {
				fault = f
			}
			continue
		}
		a := attachment{parent: p, listener: l, internal: l.internal, hostname: l.Hostname}
		for _, o := range listeners {
			if o != l && o.Port == l.Port && o.Protocol == l.Protocol && o.Hostname != l.Hostname {
				a.banned = append(a.banned, o.Hostname)
			}
		}
		all = append(all, a)
	}
	return all, fault
}

// severity ranks the reasons of several listeners: the one that is nearest to an attachment is reported.
func severity(f *failure) int {
	return slices.Index([]string{"NoMatchingParent", "NoMatchingListenerHostname", "NotAllowedByListeners"}, f.reason)
}

// denies returns why a listener does not accept a route; nil if it does.
func (l *listener) denies(r *overlay.HTTPRoute, p *overlay.ParentRef, path string) *failure {
	switch {
	case p.Port != 0 && p.Port != l.Port:
		return failed("NoMatchingParent", path+".port", "no listener has the port %d", p.Port)
	case p.SectionName != "" && p.SectionName != l.Name:
		return failed("NoMatchingParent", path+".sectionName", "no listener has the name %s", p.SectionName)
	}
	hosts := r.Spec.Hostnames
	if len(hosts) == 0 {
		hosts = []string{"*"}
	}
	own := cmp.Or(l.Hostname, "*")
	if !slices.ContainsFunc(hosts, func(h string) bool { return istio.Overlap(own, h) }) {
		return failed("NoMatchingListenerHostname", "spec.hostnames", "listener %s accepts %s, and none of %s", l.Name, own, strings.Join(hosts, ", "))
	}
	if !slices.Contains(l.allowed, "*") && !slices.Contains(l.allowed, r.Namespace) {
		return failed("NotAllowedByListeners", path, "listener %s accepts no routes of namespace %s: see its allowedRoutes", l.Name, r.Namespace)
	}
	if !l.kinds {
		return failed("NotAllowedByListeners", path, "listener %s accepts no HTTPRoutes: see its allowedRoutes.kinds", l.Name)
	}
	return nil
}

// isolated reports whether another listener of the gateway has precedence for a host of a route.
// (conversion.go, hostnameAllowedByIsolation)
func (a *attachment) isolated(host string) bool {
	if a.hostname != "" && !istio.IsWildcard(a.hostname) {
		return false
	}
	if a.hostname != "" && !istio.Overlap(host, a.hostname) {
		return true
	}
	return slices.ContainsFunc(a.banned, func(other string) bool {
		return len(a.hostname) <= len(other) && istio.Within(host, other)
	})
}
