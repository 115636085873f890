package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
)

// hosts finds destinations whose host no Service and no ServiceEntry has, or that have not the port.
func (l *linter) hosts() {
	for _, d := range l.destinations() {
		ports, known := l.portsOf(d.host)
		switch {
		case !known && l.absent(d.host):
			l.add(d.object, d.path+"."+d.hostField, "no Service and no ServiceEntry has the host %s: %s", d.host, d.missing)
		case known && d.port != 0 && !slices.Contains(ports, d.port):
			l.add(d.object, d.path+"."+d.ofPort, "%s has no port %d: %s; it has %s", d.host, d.port, d.missing, portList(ports))
		}
	}
}

// portsOf returns the ports of a host in all Services and ServiceEntries that have it. known is false if there are none.
func (l *linter) portsOf(host string) (ports []int, known bool) {
	for _, s := range l.rules.Overlay.Services {
		if istio.ServiceHost(s.Name, s.Namespace) == host {
			known = true
			for _, p := range s.Ports {
				ports = append(ports, p.Port)
			}
		}
	}
	for _, e := range l.rules.Overlay.ServiceEntries {
		if slices.ContainsFunc(e.Spec.GetHosts(), func(h string) bool { return istio.Within(host, h) }) {
			known = true
			for _, p := range e.Spec.GetPorts() {
				ports = append(ports, int(p.GetNumber()))
			}
		}
	}
	for _, g := range istio.Gateways() {
		if !l.rules.Overlay.Complete && istio.ServiceHost(g.Name, istio.RootNamespace) == host {
			return nil, false // it belongs to Istio's installation
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports), known
}

// absent reports whether it is certain that nothing has a host that no Service and no ServiceEntry of the files has.
func (l *linter) absent(host string) bool {
	if strings.HasPrefix(host, "*") || strings.HasSuffix(host, ".clusterset.local") { // of several clusters
		return false
	}
	name, namespace, ok := istio.ServiceOf(host)
	ok = ok && istio.IsServiceHost(host)
	if ok && namespace == istio.RootNamespace && !l.rules.Overlay.Complete {
		return false // of Istio's installation
	}
	otherName := slices.ContainsFunc(l.rules.Foreign(), func(f overlay.Foreign) bool {
		return f.Kind == "Service" && f.Name == name && f.Namespace == namespace
	})
	return !otherName && (l.rules.KnowsAll() || ok && l.rules.KnowsServices(namespace))
}

func portList(ports []int) string {
	texts := make([]string, len(ports))
	for i, p := range ports {
		texts[i] = fmt.Sprint(p)
	}
	if len(texts) == 0 {
		return "none"
	}
	return strings.Join(texts, ", ")
}
