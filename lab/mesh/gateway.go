package mesh

import (
	"cmp"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/overlay"
	networking "istio.io/api/networking/v1alpha3"
)

// IngressGateway returns the built-in ingress gateway as a source of requests, with the labels and the service account of Istio's own
// installation.
func IngressGateway() Source { return builtIn("ingressgateway") }

// EgressGateway returns the built-in egress gateway as a source of requests.
func EgressGateway() Source { return builtIn("egressgateway") }

// BuiltInGateway returns the built-in gateway with a name, such as "istio-egressgateway".
func BuiltInGateway(name string) (source Source, ok bool) {
	for _, g := range [...]Source{IngressGateway(), EgressGateway()} {
		if g.Workload == name {
			return g, true
		}
	}
	return Source{}, false
}

func builtIn(istio string) Source {
	name := "istio-" + istio
	return Source{Workload: name, Namespace: rootNamespace, Gateway: true, Labels: map[string]string{"istio": istio, "app": name},
		Principal: "cluster.local/ns/" + rootNamespace + "/sa/" + name + "-service-account"}
}

// gatewayTarget returns the port of a gateway's pods for a port of its Service and of a Gateway's server, as in Istio's own installation. A
// port that the Service does not have is a port of the pods.
// (manifests/charts/gateways/istio-ingress/values.yaml and istio-egress/values.yaml of Istio 1.31)
func gatewayTarget(port int) int {
	switch port {
	case 80:
		return 8080
	case 443:
		return 8443
	}
	return port
}

// server holds one server of a Gateway that applies to a caller.
type server struct {
	gateway string // "namespace/name"
	hosts   []serverHost
	port    int // as written: the port for a rule's match and for a destination without a port
	secure  bool
}

// serverHost holds a host of a server, and the namespace of the VirtualServices that may use it; "*" for all.
type serverHost struct{ namespace, host string }

// newServers lists the servers of the Gateways whose selector matches a gateway's labels, in Istio's order, by port.
func newServers(o *overlay.Overlay, labels map[string]string) map[int][]server {
	gateways := slices.Clone(o.Gateways)
	slices.SortStableFunc(gateways, func(a, b overlay.Istio[*networking.Gateway]) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Namespace, b.Namespace))
	})
	out := map[int][]server{}
	for _, g := range gateways {
		if !overlay.HasLabels(labels, g.Spec.GetSelector()) {
			continue
		}
		for _, s := range g.Spec.GetServers() {
			one := server{gateway: g.Namespace + "/" + g.Name, port: int(s.GetPort().GetNumber()), secure: s.GetTls() != nil}
			for _, h := range s.GetHosts() {
				one.hosts = append(one.hosts, newServerHost(h, g.Namespace))
			}
			at := servicePortOf(one.port)
			out[at] = append(out[at], one)
		}
	}
	return out
}

// servicePortOf returns the port of a built-in gateway's Service by which requests reach a server. A server names that port, or the port
// that the gateway's pod listens on for it.
// (pilot/pkg/model/gateway.go, resolvePorts)
func servicePortOf(number int) int {
	for _, p := range gatewayPorts() {
		if p.target == number {
			return p.number
		}
	}
	return number
}

// newServerHost parses "host", "namespace/host", "./host" or "*/host".
// (https://istio.io/latest/docs/reference/config/networking/gateway/#Server, field hosts)
func newServerHost(h, namespace string) serverHost {
	owner, host, ok := strings.Cut(h, "/")
	if !ok {
		return serverHost{"*", h}
	}
	if owner == "." {
		owner = namespace
	}
	return serverHost{owner, host}
}

// gateway compiles the ports of a gateway, one after another.
type gateway struct {
	listener
	servers map[int][]server
	rules   []*virtualService // all rules, for any gateway
}

// table compiles one port. Each host that a server and a VirtualService have in common gets the rules of all such VirtualServices, one
// after the other. Rules that match everything are last.
// (pilot/pkg/networking/core/gateway.go, buildGatewayHTTPRouteConfig)
func (g *gateway) table(port int) *portTable {
	g.portOf = g.onlyPort
	rules, over := map[string][]rule{}, map[string][]passedOver{}
	var order []string
	for _, s := range g.servers[port] {
		g.listener.gateway, g.port, g.secure = s.gateway, s.port, s.secure
		for _, v := range boundTo(g.rules, s.gateway, g.namespace) {
			hosts := s.commonHosts(v)
			if len(hosts) == 0 {
				continue
			}
			compiled, left := g.listener.rules(v)
			if len(compiled) == 0 {
				continue
			}
			for _, h := range hosts {
				if rules[h] == nil {
					order = append(order, h)
				}
				for _, o := range left {
					o.before += len(rules[h])
					over[h] = append(over[h], o)
				}
				rules[h] = append(rules[h], compiled...)
			}
		}
	}
	t := newPortTable()
	t.mutual = g.secure
	for _, h := range order {
		t.add(h, newVirtualHost(h, catchAllLast(rules[h]), over[h]))
	}
	return t
}

// onlyPort returns the port of a destination that names none: the service's port if it has only one, else the port of the gateway.
func (g *gateway) onlyPort(host string) int {
	if s := g.clusters.services[host]; s != nil && len(s.ports) == 1 {
		return s.ports[0].number
	}
	return g.port
}

// commonHosts returns the hosts of a VirtualService that the server accepts: the narrower host of each pair.
func (s *server) commonHosts(v *virtualService) []string {
	var out []string
	for _, sh := range s.hosts {
		if sh.namespace != "*" && sh.namespace != v.namespace {
			continue
		}
		for _, h := range v.hosts {
			host := sh.host
			switch {
			case within(host, h):
			case within(h, host):
				host = h
			default:
				continue
			}
			if host = strings.ToLower(host); !slices.Contains(out, host) {
				out = append(out, host)
			}
		}
	}
	return out
}

// catchAllLast moves the rules that match everything behind all others.
func catchAllLast(rules []rule) []rule {
	sorted := slices.Clone(rules)
	slices.SortStableFunc(sorted, func(a, b rule) int {
		return cmp.Compare(rankCatchAll(&a.match), rankCatchAll(&b.match))
	})
	return sorted
}

func rankCatchAll(m *matcher) int {
	if m.catchAll() {
		return 1
	}
	return 0
}
