package fidelity

import (
	"fmt"
	"strconv"
	"strings"
)

// versionServices returns a Service for each version of each Service of the standard world: HTTPRoutes choose among Services.
func versionServices() string {
	var b strings.Builder
	for i := range services + 1 {
		name := "svc" + strconv.Itoa(i)
		if i == services {
			name = "mirror"
		}
		for _, v := range []string{"v0", "v1", "v2"} {
			fmt.Fprintf(&b, `---
apiVersion: v1
kind: Service
metadata: {name: %[1]s-%[2]s, namespace: app}
spec:
  selector: {app: %[1]s, version: %[2]s}
  ports: [{name: http, port: 80, targetPort: http}, {name: http-alt, port: 9090, targetPort: 8080}]
`, name, v)
		}
	}
	return b.String()
}

// routeGateway accepts the hosts of generated routes at the ingress, and routes of both namespaces at all but one of them.
const routeGateway = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: routes, namespace: istio-system}
spec:
  gatewayClassName: istio
  addresses: [{type: Hostname, value: istio-ingressgateway}]
  listeners:
  - {name: any, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
  - {name: zero, port: 80, protocol: HTTP, hostname: "*.gate0.test", allowedRoutes: {namespaces: {from: Selector, selector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [app]}]}}, kinds: [{kind: HTTPRoute}]}}
  - {name: elsewhere, port: 81, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
`

// grant allows the routes of namespace other to refer to some Services.
const grant = `
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: some, namespace: app}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: other}]
  to: [{group: "", kind: Service, name: svc1-v1}, {group: "", kind: Service, name: svc2-v2}, {group: "", kind: Service, name: svc3-v1}]
`

// httpRoutes returns the routes of one Service, for the mesh and for its own host at the gateway: one, or two that share both.
func (g generator) httpRoutes(i int) []object {
	all := []object{g.httpRoute(i, "svc"+strconv.Itoa(i), "app")}
	if g.sometimes(50) {
		all = append(all, g.httpRoute(i, "extra"+strconv.Itoa(i), pick(g, "app", "app", "other")))
	}
	return all
}

func (g generator) httpRoute(i int, name, namespace string) object {
	service := "svc" + strconv.Itoa(i)
	mesh := object{"group": "", "kind": "Service", "name": service}
	if namespace != "app" || g.sometimes(20) {
		mesh["namespace"] = "app"
	}
	if g.sometimes(25) {
		mesh["port"] = pick(g, 80, 9090)
	}
	gate := object{"name": "routes", "namespace": "istio-system"}
	switch g.IntN(6) {
	case 0:
		gate["sectionName"] = pick(g, "any", "zero", "absent")
	case 1:
		gate["port"] = pick(g, 80, 81)
	}
	parents := []any{mesh, gate}
	if g.sometimes(5) {
		parents = []any{gate}
	}
	hostnames := []any{gateHost(i)}
	if g.sometimes(25) {
		hostnames = []any{pick(g, gateHost(i), "x."+gateHost(i)), "*." + gateHost(i)}
	}
	var rules []any
	for n := range 1 + g.IntN(3) {
		rules = append(rules, g.routeRule(service, n))
	}
	metadata := object{"name": name, "namespace": namespace}
	if g.sometimes(30) {
		metadata["creationTimestamp"] = pick(g, "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z")
	}
	return object{"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": metadata,
		"spec": object{"parentRefs": parents, "hostnames": hostnames, "rules": rules}}
}

func (g generator) routeRule(service string, n int) object {
	rule := object{}
	if g.sometimes(30) {
		rule["name"] = "rule-" + strconv.Itoa(n)
	}
	if g.sometimes(85) {
		var matches []any
		for range 1 + g.IntN(2) {
			matches = append(matches, g.routeMatch())
		}
		rule["matches"] = matches
	}
	filters := g.headerFilters()
	if g.sometimes(15) {
		filters = append(filters, object{"type": "CORS", "cors": g.corsFilter()})
	}
	switch {
	case g.sometimes(12):
		filters = append(filters, object{"type": "RequestRedirect", "requestRedirect": g.routeRedirect(rule)})
	default:
		if g.sometimes(25) {
			filters = append(filters, object{"type": "URLRewrite", "urlRewrite": g.routeRewrite(rule)})
		}
		if g.sometimes(8) {
			filters = append(filters, object{"type": "RequestMirror", "requestMirror": g.routeMirror()})
		}
		if refs := g.backendRefs(service); len(refs) > 0 {
			rule["backendRefs"] = refs
		}
		if g.sometimes(15) {
			rule["timeouts"] = pick(g, object{"request": "250ms"}, object{"request": "10s", "backendRequest": "200ms"}, object{"backendRequest": "5s"}, object{"request": "0s"})
		}
		if g.sometimes(20) {
			rule["retry"] = g.routeRetry()
		}
	}
	if g.sometimes(1) {
		filters = append(filters, object{"type": "ExtensionRef", "extensionRef": object{"group": "example.test", "kind": "Filter", "name": "f"}})
	}
	if len(filters) > 0 {
		rule["filters"] = filters
	}
	return rule
}

func (g generator) routeMatch() object {
	m := object{}
	if g.sometimes(75) {
		switch g.IntN(3) {
		case 0:
			m["path"] = object{"type": "Exact", "value": pick(g, paths...)}
		case 1:
			m["path"] = object{"type": "PathPrefix", "value": pick(g, prefixes...)}
			if g.sometimes(30) {
				delete(m["path"].(object), "type")
			}
		case 2:
			m["path"] = object{"type": "RegularExpression", "value": pick(g, regexes...)}
		}
	}
	condition := func(name string) object {
		if g.sometimes(30) {
			return object{"type": "RegularExpression", "name": name, "value": pick(g, "o.*", "(one|two)", "[a-z]+")}
		}
		return object{"name": name, "value": pick(g, nonEmpty(values)...)}
	}
	if g.sometimes(35) {
		m["headers"] = []any{condition(names[0])}
		if g.sometimes(30) {
			m["headers"] = []any{condition(names[0]), condition(names[1])}
		}
	}
	if g.sometimes(12) {
		m["queryParams"] = []any{condition(pick(g, queries...))}
	}
	if g.sometimes(12) {
		m["method"] = pick(g, "GET", "POST", "PUT")
	}
	return m
}

// headerFilters returns filters that change headers.
func (g generator) headerFilters() []any {
	var all []any
	for _, side := range []string{"request", "response"} {
		if !g.sometimes(20) {
			continue
		}
		change := object{}
		if g.sometimes(60) {
			change["set"] = []any{object{"name": pick(g, names...), "value": pick(g, "set", "other")}}
		}
		if g.sometimes(50) {
			change["add"] = []any{object{"name": "x-a", "value": "added"}, object{"name": "X-A", "value": "ignored"}}
		}
		if g.sometimes(40) {
			change["remove"] = []any{pick(g, names...)}
		}
		all = append(all, object{"type": strings.ToUpper(side[:1]) + side[1:] + "HeaderModifier", side + "HeaderModifier": change})
	}
	return all
}

// backendRefs returns destinations of which at most one has a weight, so that nothing is random.
func (g generator) backendRefs(service string) []any {
	ref := func() object {
		r := object{"name": service + "-" + pick(g, "v1", "v1", "v2", "v2", "v0"), "port": pick(g, 80, 80, 80, 9090)}
		switch g.IntN(30) {
		case 0:
			r["name"] = "absent"
		case 1:
			r["port"] = 82
		case 2:
			r["name"], r["namespace"] = "svc0", "other"
		case 3:
			r["group"], r["kind"], r["name"] = "networking.istio.io", "Hostname", pick(g, service+"-v1.app.svc.cluster.local", "absent.test")
			return r
		case 4:
			r["group"], r["kind"] = "example.test", "Backend"
		}
		if _, set := r["namespace"]; !set && r["kind"] == nil {
			r["namespace"] = "app"
		}
		if filters := g.headerFilters(); g.sometimes(20) && len(filters) > 0 {
			r["filters"] = filters
		}
		return r
	}
	first := ref()
	all := []any{first}
	switch g.IntN(8) {
	case 0:
		return nil
	case 1:
		first["weight"] = 0
	case 2, 3:
		second := ref()
		first["weight"], second["weight"] = pick(g, 1, 100), 0
		all = append(all, second)
	}
	return all
}

func (g generator) routeRedirect(rule object) object {
	r := object{}
	if g.sometimes(60) {
		r["path"] = g.pathModifier(rule)
	}
	if g.sometimes(40) {
		r["hostname"] = "new.test"
	}
	if g.sometimes(30) {
		r["scheme"] = pick(g, "http", "https")
	}
	if g.sometimes(25) {
		r["port"] = pick(g, 80, 443, 8443)
	}
	if g.sometimes(60) {
		r["statusCode"] = pick(g, 301, 302, 303, 307, 308)
	}
	return r
}

func (g generator) routeRewrite(rule object) object {
	r := object{}
	if g.sometimes(80) {
		r["path"] = g.pathModifier(rule)
	}
	if g.sometimes(35) {
		r["hostname"] = "rewritten.test"
	}
	return r
}

// pathModifier returns a change of the path; one of a prefix if the rule has exactly one match, on a prefix.
func (g generator) pathModifier(rule object) object {
	one := rule["matches"] == nil
	if matches, _ := rule["matches"].([]any); len(matches) == 1 {
		p, set := matches[0].(object)["path"].(object)
		one = !set || p["type"] == nil || p["type"] == "PathPrefix"
	}
	if one && g.sometimes(75) {
		return object{"type": "ReplacePrefixMatch", "replacePrefixMatch": pick(g, "/", "/new", "/new/", "")}
	}
	return object{"type": "ReplaceFullPath", "replaceFullPath": pick(g, "/new", "/", "/new?x=1", "/new/")}
}

// routeMirror copies all requests, or none.
func (g generator) routeMirror() object {
	m := object{"backendRef": object{"name": pick(g, "mirror-v1", "mirror-v2", "absent"), "namespace": "app", "port": pick(g, 80, 9090)}}
	if g.sometimes(30) {
		m["backendRef"].(object)["group"], m["backendRef"].(object)["kind"] = "", "Service"
	}
	switch g.IntN(3) {
	case 0:
		m["percent"] = pick(g, 0, 100)
	case 1:
		m["fraction"] = pick(g, object{"numerator": 0}, object{"numerator": 100}, object{"numerator": 7, "denominator": 7})
	}
	return m
}

func (g generator) routeRetry() object {
	r := object{}
	if g.sometimes(70) {
		r["attempts"] = pick(g, 1, 2, 3)
	}
	if g.sometimes(70) {
		r["codes"] = pick(g, []any{500, 503}, []any{409}, []any{503})
	}
	if g.sometimes(30) {
		r["backoff"] = "10ms"
	}
	return r
}

func (g generator) corsFilter() object {
	c := object{"allowOrigins": []any{pick(g, "https://one.test", "https://*.test", "https://*", "*", "http://*.test:8443")}}
	if g.sometimes(60) {
		c["allowMethods"] = pick(g, []any{"GET", "PUT"}, []any{"*"})
	}
	if g.sometimes(60) {
		c["allowHeaders"] = pick(g, []any{"x-a", "X-C"}, []any{"*"})
	}
	if g.sometimes(40) {
		c["exposeHeaders"] = []any{pick(g, "x-a", "*")}
	}
	if g.sometimes(40) {
		c["maxAge"] = pick(g, 1, 86400)
	}
	if g.sometimes(50) {
		c["allowCredentials"] = pick(g, true, false)
	}
	return c
}

// routeRequest returns a request close to one of the rules.
func (g generator) routeRequest(routes []object, i int, sidecar string) request {
	route := routes[g.IntN(len(routes))]["spec"].(object)["rules"].([]any)
	matches, _ := route[g.IntN(len(route))].(object)["matches"].([]any)
	asVirtualService := object{"spec": object{"http": []any{object{"match": asMatches(matches)}}}}
	if len(matches) == 0 {
		asVirtualService = object{"spec": object{"http": []any{object{}}}}
	}
	r := g.request(asVirtualService, i, sidecar)
	if r.from == ingress && g.sometimes(20) {
		r.authority = pick(g, "x.", "y.") + gateHost(i)
	}
	return r
}

// asMatches returns matches of an HTTPRoute as those of a VirtualService, from which requests are made.
func asMatches(matches []any) (all []any) {
	text := func(c object) object {
		if c["type"] == "RegularExpression" {
			return object{"regex": c["value"]}
		}
		return object{"exact": c["value"]}
	}
	named := func(list any) object {
		out := object{}
		conditions, _ := list.([]any)
		for _, c := range conditions {
			out[c.(object)["name"].(string)] = text(c.(object))
		}
		return out
	}
	for _, m := range matches {
		m := m.(object)
		out := object{"headers": named(m["headers"]), "queryParams": named(m["queryParams"])}
		if p, ok := m["path"].(object); ok {
			out["uri"] = text(p)
		}
		if method, ok := m["method"]; ok {
			out["method"] = object{"exact": method}
		}
		all = append(all, out)
	}
	return all
}
