package graph

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
	"github.com/hopline/hopline/lab/traffic"
)

// links returns the calls that an overlay configures. Gateways call by their rules. A workload calls the hosts that its environment names,
// as the address of an upstream: the table says where such a request is sent.
func links(o *overlay.Overlay, t *mesh.Table) []Link {
	c := &collector{overlay: o, table: t, seen: map[Link]int{}, called: map[[2]string]bool{}}
	for _, gateway := range t.Gateways() {
		for _, r := range t.Rules() {
			if slices.Contains(r.At, gateway.Workload) {
				from := endOf(&gateway)
				c.rule(from, from.ID(), r)
			}
		}
	}
	for _, d := range o.Deployments {
		for _, target := range targets(d) {
			c.call(d, target)
		}
	}
	return c.links
}

// collector collects links, each one once.
type collector struct {
	overlay *overlay.Overlay
	table   *mesh.Table
	links   []Link
	seen    map[Link]int // index in links, by a Link without a share

	called map[[2]string]bool // workload and the objects with the rules of the host that it calls
}

// rule adds the destinations of a rule.
func (c *collector) rule(from traffic.End, service string, r mesh.Rule) {
	for _, share := range r.Shares {
		c.share(Link{From: service, from: from, Object: r.Object, Rule: r.Name, Callers: r.Callers}, share)
	}
}

// share adds the nodes behind a destination.
func (c *collector) share(l Link, s mesh.Share) {
	l.Configured = s.Percent / 100
	switch {
	case s.Cluster.Gateway != "":
		gateway, _ := mesh.BuiltInGateway(s.Cluster.Gateway)
		c.add(l, endOf(&gateway))
	case s.Cluster.Selector != nil && c.workloads(l, s):
	case s.Cluster.Known && s.Cluster.Selector == nil:
		c.add(l, traffic.End{Kind: traffic.Outside, Name: s.Cluster.Host})
	default:
		c.add(l, traffic.End{Kind: traffic.Mesh})
	}
}

// workloads adds the Deployments behind a destination. One without replicas is included, so that scaling does not change the graph. It
// returns false if there is no Deployment at all.
func (c *collector) workloads(l Link, s mesh.Share) bool {
	var selected []*overlay.Deployment
	for i := range c.overlay.Deployments {
		if d := &c.overlay.Deployments[i]; s.Cluster.SelectsDeployment(d) {
			selected = append(selected, d)
		}
	}
	l.Even = len(s.Backends) > 1
	whole := l.Configured
	for _, d := range selected {
		l.Configured = 0
		if len(selected) == 1 {
			l.Configured = whole
		}
		for _, b := range s.Backends {
			if b.Deployment == d {
				l.Configured = b.Percent / 100
			}
		}
		c.add(l, traffic.End{Kind: traffic.Workload, Namespace: d.Namespace, Name: d.Name})
	}
	return len(selected) > 0
}

func (c *collector) add(l Link, to traffic.End) {
	l.to, l.To = to, to.ID()
	key := l
	key.Configured, key.Even, key.from = 0, false, traffic.End{} // several workloads of a service configure the same call
	if i, known := c.seen[key]; known {
		if c.links[i].from == l.from { // two destinations of a rule with the same endpoints
			c.links[i].Configured += l.Configured
		}
		return
	}
	c.seen[key] = len(c.links)
	c.links = append(c.links, l)
}

// call adds the calls of a Deployment to a target. All rules of the target's host count, since a request may match any of them.
func (c *collector) call(d overlay.Deployment, target target) {
	src := mesh.SourceOf(c.overlay, d)
	req := &mesh.Request{Method: http.MethodGet, Authority: target.host, Port: target.port, Path: target.path, Scheme: "http", Header: http.Header{}}
	e := c.table.Explain(req, &src)
	if e.Taken == nil {
		return
	}
	from, service := endOf(&src), serviceOf(d)
	objects := []string{e.Taken.Object}
	if !src.NoSidecar {
		objects = c.table.Consulted(req, &src)
	}
	call := [2]string{from.ID(), strings.Join(objects, ", ")}
	if c.called[call] {
		return
	}
	c.called[call] = true
	rules := slices.DeleteFunc(slices.Clone(c.table.Rules()), func(r mesh.Rule) bool {
		return !slices.Contains(objects, r.Object) || src.NoSidecar || !concerns(r.Callers, &src)
	})
	for _, r := range rules {
		c.rule(from, service, r)
	}
	if len(rules) == 0 {
		for _, s := range e.Shares {
			c.share(Link{From: service, from: from, Object: e.Taken.Object, Rule: e.Taken.Rule}, s.Share)
		}
	}
}

// concerns reports whether the callers of a rule, as mesh.Rule.Callers has them, include a workload.
func concerns(callers string, src *mesh.Source) bool {
	names := strings.Split(callers, ", ")
	return callers == "" || slices.Contains(names, "namespace "+src.Namespace) || slices.Contains(names, src.Namespace+"/"+src.Workload)
}

func endOf(s *mesh.Source) traffic.End {
	kind := traffic.Workload
	if s.Gateway {
		kind = traffic.Gateway
	}
	return traffic.End{Kind: kind, Namespace: s.Namespace, Name: s.Workload}
}

// target is an address that a container's environment names.
type target struct {
	host string
	port int
	path string
}

// hostPort matches an address without a scheme: "checkout:5050".
var hostPort = regexp.MustCompile(`^([a-z0-9]([-a-z0-9.]*[a-z0-9])?):(\d{1,5})$`)

// targets returns the addresses in the environment of a Deployment's containers: values that are an http URL, or host:port.
func targets(d overlay.Deployment) []target {
	var found []target
	var environ []string
	for _, c := range d.Pod.Containers {
		c.Env = slices.DeleteFunc(slices.Clone(c.Env), func(e overlay.EnvVar) bool { return e.Secret })
		environ = append(environ, c.Environ(func(string) string { return "" }, nil)...)
	}
	for _, variable := range environ {
		_, value, _ := strings.Cut(variable, "=")
		if t, ok := parseTarget(value); ok && !slices.Contains(found, t) {
			found = append(found, t)
		}
	}
	return found
}

func parseTarget(value string) (target, bool) {
	if m := hostPort.FindStringSubmatch(value); m != nil {
		port, _ := strconv.Atoi(m[3]) // digits
		return target{m[1] + ":" + m[3], port, "/"}, true
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" || u.Hostname() == "" {
		return target{}, false
	}
	t := target{u.Host, 80, u.EscapedPath()}
	if t.path == "" {
		t.path = "/"
	}
	if u.Port() != "" {
		t.port, _ = strconv.Atoi(u.Port()) // url.Parse has checked it
	}
	return t, true
}
