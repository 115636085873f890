package mesh

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/gatewayapi"
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
	return Source{Workload: g.Name, Namespace: g.Namespace, Gateway: true, Labels: g.Labels, Principal: istio.Principal(g.Namespace, g.ServiceAccount)}
}

// Gateways returns the gateways that may be the source of requests: the two built-in ones, and more if Gateways select neither. For a strict
// overlay that is Helm's ingress gateway. For a lenient one there is one for each selector: the workload with its labels, or without such a
// workload one in the root namespace.
func Gateways(o *overlay.Overlay) []Source {
	return gatewaysOf(o, gatewayObjects(o, gatewayapi.Convert(o)))
}

// gatewaysOf lists the gateways for the Gateway objects of an overlay.
func gatewaysOf(o *overlay.Overlay, selecting []gatewayObject) []Source {
	out := []Source{IngressGateway(), EgressGateway()}
	helm := gatewaySource(istio.HelmIngress())
	for _, g := range selecting {
		switch {
		case slices.ContainsFunc(out, func(s Source) bool { return g.selects(&s) }):
		case o.Lenient:
			out = append(out, g.workload(o))
		case g.selects(&helm):
			out = append(out, helm)
		}
	}
	return out
}

// Gateways returns Gateways of the table's overlay.
func (t *Table) Gateways() []Source {
	return gatewaysOf(t.compiler.overlay, t.compiler.gateways)
}

// EntryGateway returns the gateway at which requests from outside arrive: the ingress gateway, or if no Gateway selects it the only other
// gateway that Gateways of the table's overlay select. It returns an error if they select several others.
func (t *Table) EntryGateway() (Source, error) {
	all := t.Gateways()
	selected := len(t.GatewayPorts(&all[0])) > 0
	switch others := all[2:]; {
	case selected || len(others) == 0:
		return all[0], nil
	case len(others) == 1:
		return others[0], nil
	default:
		var names []string
		for _, g := range others {
			names = append(names, g.Workload)
		}
		return Source{}, fmt.Errorf("the Gateways select several gateways: %s", strings.Join(names, ", "))
	}
}

// gatewayObject is a Gateway of Istio, or what istiod makes of one listener of a Gateway of the Gateway API.
type gatewayObject struct {
	object   string // "Gateway hopline/hopline"
	name     string // "namespace/name", by which rules refer to it
	age      overlay.Meta
	selector map[string]string
	servers  []*networking.Server
	listener bool // of the Gateway API: it selects pods of its own namespace by the ports of their Service
}

// gatewayObjects lists the Gateways of both APIs, in Istio's order.
func gatewayObjects(o *overlay.Overlay, converted *gatewayapi.Rules) (out []gatewayObject) {
	for _, g := range o.Gateways {
		out = append(out, gatewayObject{object: g.String(), name: g.Namespace + "/" + g.Name, age: g.Meta, selector: g.Spec.GetSelector(), servers: g.Spec.GetServers()})
	}
	for _, g := range converted.Gateways {
		out = append(out, gatewayObject{object: g.Object, name: g.Namespace + "/" + g.Name, age: g.Meta, selector: g.Selector, servers: g.Servers, listener: true})
	}
	slices.SortStableFunc(out, func(a, b gatewayObject) int { return a.age.CompareAge(b.age) })
	return out
}

// gateway returns the Gateway that rules refer to by a name; nil if there is none.
func (c *compiler) gateway(name string) *gatewayObject {
	for i := range c.gateways {
		if c.gateways[i].name == name {
			return &c.gateways[i]
		}
	}
	return nil
}

// selects reports whether the Gateway applies to a gateway.
func (g *gatewayObject) selects(src *Source) bool {
	return (!g.listener || src.Namespace == g.age.Namespace) && istio.HasLabels(src.Labels, g.selector)
}

// workload returns the gateway that a Gateway of a lenient overlay selects.
func (g *gatewayObject) workload(o *overlay.Overlay) Source {
	for _, d := range o.Deployments {
		if istio.HasLabels(d.Pod.Labels, g.selector) && (!g.listener || d.Namespace == g.age.Namespace) {
			return Source{Workload: d.Name, Namespace: d.Namespace, Gateway: true, Labels: d.Pod.Labels, Principal: istio.Principal(d.Namespace, d.Pod.ServiceAccount)}
		}
	}
	out := Source{Workload: istio.LabelText(g.selector), Namespace: istio.RootNamespace, Gateway: true, Labels: g.selector}
	if name := g.selector[gatewayapi.NameLabel]; g.listener && name != "" { // Istio deploys it
		out.Workload, out.Namespace = name+"-"+gatewayapi.Class, g.age.Namespace
	}
	return out
}

// servicePort returns the port of a gateway's Service by which requests reach a server.
func (g *gatewayObject) servicePort(s *networking.Server) int {
	if g.listener {
		return int(s.GetPort().GetNumber())
	}
	return istio.GatewayServicePort(int(s.GetPort().GetNumber()))
}

// server holds one server of a Gateway that applies to a caller.
type server struct {
	gateway string // "namespace/name"
	hosts   []serverHost
	port    int  // as written: the port for a rule's match and for a destination without a port
	secure  bool // terminates TLS
	mutual  bool // authenticates its callers, by Istio's mutual TLS
	// redirected lists the hosts for which every request is redirected to https, whatever the rules are.
	redirected []string
}

// serverTLS is the kind of TLS of a gateway's server.
type serverTLS uint8

const (
	noTLS     serverTLS = iota
	simpleTLS           // the caller is not authenticated
	mutualTLS           // callers authenticate by Istio's mutual TLS
)

func (s *server) tls() serverTLS {
	switch {
	case s.mutual:
		return mutualTLS
	case s.secure:
		return simpleTLS
	}
	return noTLS
}

// serverHost holds a host of a server, and the namespace of the VirtualServices that may use it, as of istio.ServerHost.
type serverHost struct{ namespace, host string }

// newServers lists the servers of the Gateways that select a gateway, by port.
func newServers(gateways []gatewayObject, src *Source) map[int][]server {
	out := map[int][]server{}
	for _, g := range gateways {
		if !g.selects(src) {
			continue
		}
		for _, s := range g.servers {
			if notCarried(s) {
				continue
			}
			one := newServer(s, g.age.Namespace, g.name)
			at := g.servicePort(s)
			out[at] = append(out[at], one)
		}
	}
	return out
}

func newServer(s *networking.Server, namespace, gateway string) server {
	one := server{gateway: gateway, port: int(s.GetPort().GetNumber()), secure: s.GetTls() != nil && !plainHTTP(s),
		mutual: s.GetTls().GetMode() == networking.ServerTLSSettings_ISTIO_MUTUAL}
	for _, h := range s.GetHosts() {
		owner, host := istio.ServerHost(h, namespace)
		one.hosts = append(one.hosts, serverHost{owner, host})
		if plainHTTP(s) && s.GetTls().GetHttpsRedirect() && owner == "*" {
			one.redirected = append(one.redirected, strings.ToLower(host))
		}
	}
	return one
}

// plainHTTP reports whether a server accepts HTTP without TLS.
func plainHTTP(s *networking.Server) bool {
	return istio.ParseProtocol(s.GetPort().GetProtocol()).PlainHTTP()
}

// notCarried reports whether a server passes bytes on that the gateway does not see as HTTP requests.
func notCarried(s *networking.Server) bool {
	passes := s.GetTls().GetMode() == networking.ServerTLSSettings_PASSTHROUGH || s.GetTls().GetMode() == networking.ServerTLSSettings_AUTO_PASSTHROUGH
	return !plainHTTP(s) && (passes || !strings.EqualFold(s.GetPort().GetProtocol(), "HTTPS"))
}

// gateway compiles the ports of a gateway, one after another.
type gateway struct {
	listener
	servers map[int][]server
	rules   []*virtualService // all rules, for any gateway
}

// table compiles one port. Each host that a server and a VirtualService have in common gets the rules of all such VirtualServices, one
// after the other. Rules that match everything are last. A host that a server redirects to https gets no rule but the redirect.
// (pilot/pkg/networking/core/gateway.go, buildGatewayHTTPRouteConfig)
func (g *gateway) table(port int) *portTable {
	g.portOf = g.onlyPort
	made := gatewayHosts{rules: map[string][]rule{}, over: map[string][]passedOver{}, redirects: map[string]*Route{}, tls: map[string]serverTLS{}}
	t := newPortTable()
	for i := range g.servers[port] {
		s := &g.servers[port][i]
		g.listener.gateway, g.port, g.secure = s.gateway, s.port, s.secure
		for _, v := range boundTo(g.rules, s.gateway, g.namespace) {
			hosts := slices.DeleteFunc(s.commonHosts(v), func(h string) bool { return s.secure && !s.owns(h, g.servers[port]) })
			if len(hosts) == 0 {
				continue
			}
			compiled, left := g.listener.rules(v)
			for _, h := range hosts {
				made.add(h, compiled, left)
				made.tls[h] = s.tls()
				if s.redirected != nil {
					made.redirect(h, s)
				}
			}
		}
		for _, h := range s.redirected {
			made.redirect(h, s)
		}
		made.bare(s)
	}
	for _, h := range made.order {
		host := newVirtualHost(h, catchAllLast(made.rules[h]), made.over[h])
		if r := made.redirects[h]; r != nil {
			host = newVirtualHost(h, []rule{{route: r}}, nil)
		}
		host.tls = made.tls[h]
		t.add(h, host)
	}
	return t
}

// gatewayHosts collects the rules of the hosts of one port.
type gatewayHosts struct {
	order     []string
	rules     map[string][]rule
	over      map[string][]passedOver
	redirects map[string]*Route // to https
	tls       map[string]serverTLS
}

func (m *gatewayHosts) note(host string) {
	if !slices.Contains(m.order, host) {
		m.order = append(m.order, host)
	}
}

func (m *gatewayHosts) add(host string, compiled []rule, left []passedOver) {
	if len(compiled) == 0 {
		return
	}
	m.note(host)
	for _, o := range left {
		o.before += len(m.rules[host])
		m.over[host] = append(m.over[host], o)
	}
	m.rules[host] = append(m.rules[host], compiled...)
}

// redirect lets a host redirect every request to https. The location has the request's host with its port, and its path and query.
// (Envoy, source/common/router/config_impl.cc, SslRedirectRoute)
func (m *gatewayHosts) redirect(host string, s *server) {
	m.note(host)
	m.redirects[host] = &Route{Object: "Gateway " + s.gateway, Rule: "httpsRedirect", Redirect: &RedirectTo{Code: http.StatusMovedPermanently,
		Location: func(req *Request) string { return "https://" + req.Authority + req.Path }, Text: "https://{host}{path}"}}
}

// bare notes the hosts of a server with TLS, even those without rules: no wider host of another server serves them.
func (m *gatewayHosts) bare(s *server) {
	for _, h := range s.hosts {
		if host := strings.ToLower(h.host); s.secure {
			m.note(host)
			m.tls[host] = s.tls()
		}
	}
}

// owns reports whether requests for a host arrive at this server with TLS: of several, Envoy chooses the one with the narrowest host by the
// name in the TLS handshake.
// (https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/listener/v3/listener_components.proto#config-listener-v3-filterchainmatch)
func (s *server) owns(host string, all []server) bool {
	best, owner := "*", s
	for i := range all {
		for _, h := range all[i].hosts {
			if name := strings.ToLower(h.host); istio.Within(host, name) && name != best && istio.Within(name, best) {
				best, owner = name, &all[i]
			}
		}
	}
	return owner == s
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
