package mesh

import (
	"cmp"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
	networking "istio.io/api/networking/v1alpha3"
)

// IngressGateway returns the built-in ingress gateway as a source of requests, with the labels and the service account of Istio's own
// installation.
func IngressGateway() Source { return gatewaySource(istio.Ingress()) }

// EgressGateway returns the built-in egress gateway as a source of requests.
func EgressGateway() Source { return gatewaySource(istio.Egress()) }

// BuiltInGateway returns the built-in gateway with a name, such as "istio-egressgateway".
func BuiltInGateway(name string) (source Source, ok bool) {
	for _, g := range istio.Gateways() {
		if g.Name == name {
			return gatewaySource(g), true
		}
	}
	return Source{}, false
}

func gatewaySource(g istio.Gateway) Source {
	return Source{Workload: g.Name, Namespace: istio.RootNamespace, Gateway: true, Labels: g.Labels,
		Principal: istio.Principal(istio.RootNamespace, g.ServiceAccount)}
}

// Gateways returns the gateways that may be the source of requests: the two built-in ones, and for a lenient overlay one more for each
// selector of its Gateways that selects neither. That is the workload with its labels, or without such a workload one in the root namespace.
func Gateways(o *overlay.Overlay) []Source {
	out := []Source{IngressGateway(), EgressGateway()}
	for i := range o.Gateways {
		selector := o.Gateways[i].Spec.GetSelector()
		if !o.Lenient || slices.ContainsFunc(out, func(g Source) bool { return istio.HasLabels(g.Labels, selector) }) {
			continue
		}
		out = append(out, gatewayWith(o, selector))
	}
	return out
}

func gatewayWith(o *overlay.Overlay, selector map[string]string) Source {
	for _, d := range o.Deployments {
		if istio.HasLabels(d.Pod.Labels, selector) {
			return Source{Workload: d.Name, Namespace: d.Namespace, Gateway: true, Labels: d.Pod.Labels, Principal: istio.Principal(d.Namespace, d.Pod.ServiceAccount)}
		}
	}
	return Source{Workload: istio.LabelText(selector), Namespace: istio.RootNamespace, Gateway: true, Labels: selector}
}

// server holds one server of a Gateway that applies to a caller.
type server struct {
	gateway string // "namespace/name"
	hosts   []serverHost
	port    int // as written: the port for a rule's match and for a destination without a port
	secure  bool
}

// serverHost holds a host of a server, and the namespace of the VirtualServices that may use it, as of istio.ServerHost.
type serverHost struct{ namespace, host string }

// newServers lists the servers of the Gateways whose selector matches a gateway's labels, in Istio's order, by port.
func newServers(o *overlay.Overlay, labels map[string]string) map[int][]server {
	gateways := slices.Clone(o.Gateways)
	slices.SortStableFunc(gateways, func(a, b overlay.Istio[*networking.Gateway]) int {
		return a.CompareAge(b.Meta)
	})
	out := map[int][]server{}
	for _, g := range gateways {
		if !istio.HasLabels(labels, g.Spec.GetSelector()) {
			continue
		}
		for _, s := range g.Spec.GetServers() {
			one := server{gateway: g.Namespace + "/" + g.Name, port: int(s.GetPort().GetNumber()), secure: s.GetTls() != nil}
			for _, h := range s.GetHosts() {
				namespace, host := istio.ServerHost(h, g.Namespace)
				one.hosts = append(one.hosts, serverHost{namespace, host})
			}
			at := istio.GatewayServicePort(one.port)
			out[at] = append(out[at], one)
		}
	}
	return out
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
			case istio.Within(host, h):
			case istio.Within(h, host):
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
