package overlay

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/internal/fieldpath"
)

// checkKubernetesGateway checks the specification of a Gateway of the Gateway API, and fills in its defaults.
func checkKubernetesGateway(at problems, s *KubernetesGatewaySpec) {
	checkCount(at, "spec.addresses", len(s.Addresses), maxEntries)
	if s.GatewayClassName == "" || len(s.GatewayClassName) > 253 {
		at.add("spec.gatewayClassName", "want 1 to 253 characters, got %s", fieldpath.Quote(s.GatewayClassName))
	}
	for i := range s.Addresses {
		checkAddress(at, fmt.Sprintf("spec.addresses[%d]", i), s.Addresses, i)
	}
	checkCount(at, "spec.listeners", len(s.Listeners), 64)
	if len(s.Listeners) == 0 {
		at.add("spec.listeners", "want at least one listener")
	}
	for i := range s.Listeners {
		l, path := &s.Listeners[i], fmt.Sprintf("spec.listeners[%d]", i)
		checkListener(at, path, l)
		for j, o := range s.Listeners[:i] {
			if o.Name == l.Name {
				at.add(path+".name", "%s appears twice", fieldpath.Quote(l.Name))
			}
			if o.Port == l.Port && o.Protocol == l.Protocol && o.Hostname == l.Hostname {
				at.add(path, "has the port, protocol and hostname of listeners[%d]", j)
			}
		}
	}
}

// checkAddress checks the i-th address and fills in its type.
func checkAddress(at problems, path string, all []GatewayAddress, i int) {
	a := &all[i]
	setDefault(&a.Type, "IPAddress")
	switch {
	case a.Value == "": // any address of the type
	case a.Type == "IPAddress":
		if _, err := netip.ParseAddr(a.Value); err != nil {
			at.add(path+".value", "want an IP address, got %s; a host name has type Hostname", fieldpath.Quote(a.Value))
		}
	case a.Type == "Hostname":
		checkHostname(at, path+".value", a.Value, true)
	}
	if a.Type != "IPAddress" && a.Type != "Hostname" && a.Type != "NamedAddress" && !strings.Contains(a.Type, "/") {
		checkEnum(at, path+".type", a.Type, "Hostname", "IPAddress", "NamedAddress")
	}
	if slices.Contains(all[:i], *a) && a.Type != "NamedAddress" && a.Value != "" {
		at.add(path, "%s appears twice", fieldpath.Quote(a.Value))
	}
}

func checkListener(at problems, path string, l *Listener) {
	checkSection(at, path+".name", l.Name)
	checkPort(at, path+".port", l.Port)
	if l.Hostname != "" {
		checkHostname(at, path+".hostname", l.Hostname, true)
	}
	known := []string{"HTTP", "HTTPS", "TLS", "TCP", "UDP", "HBONE"}
	if l.Protocol == "" || slices.Contains(known, strings.ToUpper(l.Protocol)) && !slices.Contains(known, l.Protocol) {
		checkEnum(at, path+".protocol", l.Protocol, known...)
	}
	if (l.Protocol == "TCP" || l.Protocol == "UDP") && l.Hostname != "" {
		at.add(path+".hostname", "want none: %s has no host names", l.Protocol)
	}
	if l.AllowedRoutes == nil {
		l.AllowedRoutes = &AllowedRoutes{}
	}
	checkAllowedRoutes(at, path+".allowedRoutes", l.AllowedRoutes)
}

func checkAllowedRoutes(at problems, path string, a *AllowedRoutes) {
	if a.Namespaces == nil {
		a.Namespaces = &RouteNamespaces{}
	}
	setDefault(&a.Namespaces.From, "Same")
	checkEnum(at, path+".namespaces.from", a.Namespaces.From, "All", "Selector", "Same")
	if s := a.Namespaces.Selector; s != nil {
		checkLabels(at, path+".namespaces.selector.matchLabels", s.MatchLabels)
		for i, e := range s.MatchExpressions {
			path := fmt.Sprintf("%s.namespaces.selector.matchExpressions[%d]", path, i)
			checkEnum(at, path+".operator", e.Operator, "In", "NotIn", "Exists", "DoesNotExist")
			if sets := e.Operator == "In" || e.Operator == "NotIn"; sets != (len(e.Values) > 0) {
				at.add(path+".values", "want values with In and NotIn only, got %s with %d", e.Operator, len(e.Values))
			}
		}
	}
	checkCount(at, path+".kinds", len(a.Kinds), 8)
	for i, k := range a.Kinds {
		checkRef(at, fmt.Sprintf("%s.kinds[%d]", path, i), GroupOf(k.Group), k.Kind, "", "any")
	}
}

// checkReferenceGrant checks the specification of a ReferenceGrant.
func checkReferenceGrant(at problems, s *ReferenceGrantSpec) {
	for _, list := range []struct {
		path string
		n    int
	}{{"spec.from", len(s.From)}, {"spec.to", len(s.To)}} {
		checkCount(at, list.path, list.n, maxEntries)
		if list.n == 0 {
			at.add(list.path, "want at least one entry")
		}
	}
	for i, f := range s.From {
		checkRef(at, fmt.Sprintf("spec.from[%d]", i), GroupOf(f.Group), f.Kind, f.Namespace, "any")
	}
	for i, t := range s.To {
		checkRef(at, fmt.Sprintf("spec.to[%d]", i), GroupOf(t.Group), t.Kind, "", "any")
	}
}
