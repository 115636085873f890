package mesh

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh/destinationrule"
	"github.com/hopline/hopline/lab/overlay"
	networking "istio.io/api/networking/v1alpha3"
)

// rule is one match and the route for the requests that it matches.
type rule struct {
	match matcher
	route *Route
}

// passedOver is a match that no request of a listener reaches, and the reason.
type passedOver struct {
	object, through  string // of the route; see Route
	rule, place, why string
	before           int // how many rules of its list precede it
}

// listener is the target of compiled rules: one port of one caller's sidecar or gateway.
type listener struct {
	namespace string            // of the caller
	labels    map[string]string // of the caller
	gateway   string            // "mesh", or "namespace/name" of the Gateway
	port      int
	secure    bool // terminates TLS
	// portOf returns the port of a destination that names none.
	portOf   func(host string) int
	clusters *clusters
}

// rules compiles the rules of a VirtualService that apply to the listener, in order, up to the first that matches everything.
func (l *listener) rules(v *virtualService) (out []rule, over []passedOver) {
	for i, h := range v.http {
		for j, m := range istio.Matches(h) {
			at := v.at(i, j)
			if why := l.unconcerned(m); why != "" {
				over = append(over, passedOver{at.object, at.through, at.name, at.place, why, len(out)})
				continue
			}
			r, err := l.compile(v, h, m, at)
			if err != nil {
				continue // checkRules has reported it
			}
			out = append(out, r)
			if r.match.catchAll() {
				return out, over
			}
		}
	}
	return out, over
}

// checkRules compiles every rule of the VirtualServices, for any caller, and reports errors.
func checkRules(all []*virtualService, report *overlay.Report) {
	none := &clusters{rules: &destinationrule.Rules{}, made: map[string]*Cluster{}}
	for _, v := range all {
		l := listener{namespace: v.namespace, gateway: istio.MeshGateway, portOf: func(string) int { return 0 }, clusters: none}
		for i, h := range v.http {
			for j, m := range istio.Matches(h) {
				if _, err := l.compile(v, h, m, v.at(i, j)); err != nil {
					at := v.at(i, j)
					report.Add(at.object, at.path, "%v", err)
				}
			}
		}
	}
}

// unconcerned returns why a match block does not apply to this listener: its port, its gateways, or its source. It is empty if the block
// applies.
func (l *listener) unconcerned(m *networking.HTTPMatchRequest) string {
	switch {
	case m == nil:
		return ""
	case m.GetPort() != 0 && int(m.GetPort()) != l.port:
		return fmt.Sprintf("want port %d, got %d", m.GetPort(), l.port)
	case len(m.GetGateways()) > 0:
		if !slices.Contains(m.GetGateways(), l.gateway) {
			return fmt.Sprintf("want gateway %s, got %s", strings.Join(m.GetGateways(), " or "), l.gateway)
		}
	case !istio.HasLabels(l.labels, m.GetSourceLabels()):
		return fmt.Sprintf("want a source with the labels %s", istio.LabelText(m.GetSourceLabels()))
	case m.GetSourceNamespace() != "" && m.GetSourceNamespace() != l.namespace:
		return fmt.Sprintf("want a source in namespace %s, got one in %s", m.GetSourceNamespace(), l.namespace)
	}
	return ""
}

func (l *listener) compile(v *virtualService, h *networking.HTTPRoute, m *networking.HTTPMatchRequest, at ruleAt) (rule, error) {
	match, err := newMatcher(m)
	if err != nil {
		_, block, _ := strings.Cut(at.place, ".")
		return rule{}, fmt.Errorf("%s: %w", cmp.Or(block, at.place), err)
	}
	if v.fromRoutes() {
		match.path.bySegments()
	}
	route := &Route{Object: at.object, Through: at.through, Rule: at.name, Place: at.place, Fault: newFault(h.GetFault()), OfHTTPRoute: v.fromRoutes()}
	ops, authority, err := newHeaderOps(h.GetHeaders())
	if err != nil {
		return rule{}, fmt.Errorf("headers.%w", err)
	}
	route.Headers = ops
	switch {
	case h.GetRedirect() != nil:
		route.Redirect, err = newRedirect(h.GetRedirect(), &match.path, l.port, l.secure)
	case h.GetDirectResponse() != nil:
		route.Direct = newDirect(h.GetDirectResponse())
	default:
		err = l.forward(route, h, &match.path, authority)
	}
	if err != nil {
		return rule{}, err
	}
	route.Decorator = l.decorator(v, route, &match.path, len(h.GetRoute()) == 1 && len(route.Destinations) == 1)
	return rule{match: match, route: route}, nil
}

func newDirect(d *networking.HTTPDirectResponse) *DirectResponse {
	out := &DirectResponse{Code: int(d.GetStatus())}
	out.Location = out.Code == 201 || out.Code >= 300 && out.Code < 400
	switch b := d.GetBody().GetSpecifier().(type) {
	case *networking.HTTPBody_String_:
		out.Body = []byte(b.String_)
	case *networking.HTTPBody_Bytes:
		out.Body = b.Bytes
	}
	return out
}

// forward sets the fields of a route to destinations.
func (l *listener) forward(route *Route, h *networking.HTTPRoute, match *pathMatch, authority string) error {
	route.Timeout = h.GetTimeout().AsDuration()
	cors, err := newCORS(h.GetCorsPolicy())
	if err != nil {
		return fmt.Errorf("corsPolicy.%w", err)
	}
	route.CORS = cors
	if h.GetRewrite() != nil {
		rewrite, err := newRewrite(h.GetRewrite(), match)
		if err != nil {
			return fmt.Errorf("rewrite.uriRegexRewrite.%w", err)
		}
		route.Rewrite = rewrite
		if rewrite.Authority != "" {
			authority = rewrite.Authority
		}
	}
	if err := l.destinations(route, h, &authority); err != nil {
		return err
	}
	if len(route.Destinations) == 0 {
		return errors.New("want a redirect, a directResponse, or a route to at least one destination with a weight")
	}
	if authority != "" {
		if route.Rewrite == nil {
			route.Rewrite = &Rewrite{}
		}
		route.Rewrite.Authority = authority
	}
	for _, m := range istio.Mirrors(h) {
		route.Mirrors = append(route.Mirrors, Mirror{Cluster: l.cluster(m.Destination), Percent: m.Percent})
	}
	if len(route.Mirrors) > 64 {
		return fmt.Errorf("mirrors: want at most 64, got %d", len(route.Mirrors))
	}
	return l.retries(route, h)
}

// destinations compiles a rule's weighted destinations. A single destination gets all requests whatever its weight, and its headers become
// the rule's own. Beside others, one of weight 0 gets none.
func (l *listener) destinations(route *Route, h *networking.HTTPRoute, authority *string) error {
	for i, d := range h.GetRoute() {
		ops, host, err := newHeaderOps(d.GetHeaders())
		if err != nil {
			return fmt.Errorf("route[%d].headers.%w", i, err)
		}
		if len(h.GetRoute()) == 1 {
			route.Headers = joinOps(route.Headers, ops)
			if *authority == "" {
				*authority = host
			}
			route.Destinations = []Destination{{Cluster: l.cluster(d.GetDestination()), Weight: 1}}
			route.addKey(l.hash(d.GetDestination()))
			return nil
		}
		if d.GetWeight() > 0 {
			route.addKey(l.hash(d.GetDestination()))
			route.Destinations = append(route.Destinations, Destination{Cluster: l.cluster(d.GetDestination()), Weight: int(d.GetWeight()), Authority: host, Headers: ops})
		}
	}
	return nil
}

func (l *listener) retries(route *Route, h *networking.HTTPRoute) error {
	hashed := len(h.GetRoute()) == 1 && l.hash(h.GetRoute()[0].GetDestination()) != nil
	retries, err := newRetries(h.GetRetries(), hashed)
	if err != nil {
		return fmt.Errorf("retries.%w", err)
	}
	route.Retries = retries
	return nil
}

// cluster returns the cluster that a destination names. Without a port it uses the only port of its service, or the request's port.
func (l *listener) cluster(d *networking.Destination) *Cluster {
	port := int(d.GetPort().GetNumber())
	if d.GetPort() == nil {
		port = l.portOf(d.GetHost())
	}
	return l.clusters.get(d.GetHost(), port, d.GetSubset())
}

// decorator returns Istio's name for the operation: the destination if there is only one, else the VirtualService, and the path.
func (l *listener) decorator(v *virtualService, route *Route, match *pathMatch, single bool) string {
	path := match.text
	switch match.kind {
	case matchPrefix:
		path += "*"
	case matchSegments:
		path = "/*"
	}
	if single {
		c := route.Destinations[0].Cluster
		return c.Host + ":" + strconv.Itoa(c.Port) + path
	}
	return v.name + ":" + strconv.Itoa(l.port) + path
}

// defaultRoute returns the route of a service without rules: to its endpoints, with Istio's default retries.
func defaultRoute(s *service, cluster *Cluster, hash *networking.LoadBalancerSettings_ConsistentHashLB, noMesh bool) *Route {
	route := &Route{Object: s.object, Rule: "default", Destinations: []Destination{{Cluster: cluster, Weight: 1}}}
	route.addKey(hash)
	if !noMesh {
		route.Retries, _ = newRetries(nil, false)
		route.Decorator = cluster.Host + ":" + strconv.Itoa(cluster.Port) + "/*"
	}
	return route
}
