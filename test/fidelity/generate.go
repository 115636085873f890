package fidelity

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

// object is a Kubernetes object, or a part of one, before encoding as YAML.
type object = map[string]any

// generator generates rule sets, and requests at their limits. The same seed gives the same ones. The rules have no randomness, because
// weights and percentages are 0 or 100: one request shows how each engine interprets them. chance_test.go compares chance.
type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator { return generator{rand.New(rand.NewPCG(seed, 0))} }

func pick[T any](g generator, from ...T) T { return from[g.IntN(len(from))] }

func (g generator) sometimes(percent int) bool { return g.IntN(100) < percent }

// The words in rules and requests: few, so that they match, and of kinds that are easily confused.
var (
	paths    = []string{"/", "/a", "/a/", "/A", "/a/b", "/ab", "/a.b", "/a%20b", "/b", "/a/b/c", "/old/x", "/x-y_z~"}
	prefixes = []string{"/", "/a", "/a/", "/ab", "/A", "/old/", "/b"}
	regexes  = []string{"/a.*", "/[a-z]+", "/a/.", "/(old|b)/x", ".*b", "/A?"}
	names    = []string{"x-a", "x-b", "X-C"}
	values   = []string{"one", "two", "ONE", "one,two", "o", ""}
	queries  = []string{"p", "q"}
)

func (g generator) text(words []string, patterns ...string) object {
	switch g.IntN(4) {
	case 0:
		return object{"prefix": pick(g, words...)}
	case 1:
		return object{"regex": pick(g, patterns...)}
	default:
		return object{"exact": pick(g, words...)}
	}
}

// nonEmpty returns the words that a rule may match: Istio rejects an empty exact value.
func nonEmpty(words []string) []string {
	var some []string
	for _, w := range words {
		if w != "" {
			some = append(some, w)
		}
	}
	return some
}

func (g generator) match() object {
	m := object{}
	if g.sometimes(70) {
		switch g.IntN(3) {
		case 0:
			m["uri"] = object{"exact": pick(g, paths...)}
		case 1:
			m["uri"] = object{"prefix": pick(g, prefixes...)}
		case 2:
			m["uri"] = object{"regex": pick(g, regexes...)}
		}
		if g.sometimes(20) {
			m["ignoreUriCase"] = true
		}
	}
	words := nonEmpty(values)
	if g.sometimes(35) {
		m["headers"] = object{pick(g, names...): g.headerText(words)}
	}
	if g.sometimes(12) {
		m["withoutHeaders"] = object{pick(g, names...): g.headerText(words)}
	}
	if g.sometimes(12) {
		m["queryParams"] = object{pick(g, queries...): g.text(words, "o.*", "[a-z]+")}
	}
	if g.sometimes(12) {
		m["method"] = g.text([]string{"GET", "POST", "PUT"}, "P.*", "GET|PUT")
	}
	if g.sometimes(8) {
		m["authority"] = g.text([]string{"svc0", "svc1.app", "gate2.test"}, ".*test", "svc.*")
	}
	if g.sometimes(5) {
		m["scheme"] = g.text([]string{"http", "https"}, "http.*")
	}
	if g.sometimes(6) {
		m["port"] = pick(g, 80, 9090)
	}
	if g.sometimes(6) {
		m["sourceLabels"] = object{"app": pick(g, "client", "visitor")}
	}
	if g.sometimes(4) {
		m["sourceNamespace"] = pick(g, "app", "other")
	}
	if g.sometimes(6) {
		m["gateways"] = []any{pick(g, "mesh", "gateway")}
	}
	if g.sometimes(10) {
		m["name"] = pick(g, "this", "that")
	}
	if g.sometimes(5) {
		m["statPrefix"] = "counted"
	}
	return m
}

func (g generator) headerText(words []string) object {
	if g.sometimes(20) {
		return object{} // present
	}
	return g.text(words, "o.*", "(one|two)", "[a-z]+")
}

func (g generator) changes() object {
	side := func() object {
		s := object{}
		if g.sometimes(60) {
			s["set"] = object{pick(g, names...): pick(g, "set", "other")}
		}
		if g.sometimes(50) {
			s["add"] = object{pick(g, names...): "added"}
		}
		if g.sometimes(40) {
			s["remove"] = []any{pick(g, names...)}
		}
		return s
	}
	h := object{}
	if r := side(); len(r) > 0 {
		h["request"] = r
	}
	if r := side(); len(r) > 0 && g.sometimes(60) {
		h["response"] = r
	}
	if r, ok := h["request"].(object); ok && g.sometimes(10) {
		r["set"] = object{"Host": "changed.test"}
	}
	return h
}

// target returns a destination whose version is not random.
func (g generator) target(service string) object {
	d := object{"host": pick(g, service, service+".app.svc.cluster.local"), "subset": pick(g, "v1", "v1", "v2", "v2", "v0")}
	if g.sometimes(25) {
		d["port"] = object{"number": pick(g, 80, 9090)}
	}
	return d
}

func (g generator) action(route object, service string) {
	switch n := g.IntN(100); {
	case n < 10:
		r := object{}
		switch n := g.IntN(100); {
		case n < 15 && prefixesOnly(route):
			r["prefixRewrite"] = pick(g, "/new", "/new/", "/")
		case n < 70:
			r["uri"] = pick(g, "/new", "/", "/new?x=1")
		}
		if g.sometimes(40) {
			r["authority"] = pick(g, "new.test", "new.test:8443")
		}
		if g.sometimes(30) {
			r["scheme"] = "https"
		}
		if g.sometimes(20) {
			r["port"] = 8443
		} else if g.sometimes(20) {
			r["derivePort"] = pick(g, "FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT")
		}
		if g.sometimes(40) {
			r["redirectCode"] = pick(g, 301, 302, 303, 307, 308)
		}
		if len(r) == 0 {
			r["uri"] = "/new"
		}
		route["redirect"] = r
	case n < 18:
		d := object{"status": pick(g, 200, 201, 204, 404, 503)}
		if g.sometimes(60) && d["status"] != 204 {
			d["body"] = pick(g, object{"string": "said directly"}, object{"bytes": "c2FpZCBkaXJlY3RseQ=="})
		}
		route["directResponse"] = d
	default:
		g.forward(route, service)
	}
}

// prefixesOnly reports whether a rule matches paths only by prefixes, as Istio requires for a prefixRewrite.
func prefixesOnly(route object) bool {
	matches, _ := route["match"].([]any)
	for _, m := range matches {
		if uri, ok := m.(object)["uri"].(object); ok && uri["prefix"] == nil {
			return false
		}
	}
	return true
}

func (g generator) forward(route object, service string) {
	first := object{"destination": g.target(service)}
	if g.sometimes(15) {
		first["headers"] = g.changes()
	}
	destinations := []any{first}
	if g.sometimes(25) {
		first["weight"] = 100
		destinations = append(destinations, object{"destination": g.target(service), "weight": 0})
	}
	route["route"] = destinations
	if g.sometimes(25) {
		route["rewrite"] = g.rewrite()
	}
	if g.sometimes(10) {
		route["timeout"] = pick(g, "0.25s", "10s")
	}
	if g.sometimes(20) {
		route["retries"] = g.retries()
	}
	if g.sometimes(10) {
		route["fault"] = g.fault()
	}
	if g.sometimes(8) {
		g.mirror(route)
	}
}

// The origins of pages, and the patterns for them.
var (
	origins        = []string{"https://one.test", "https://one.test:8443", "https://two.test", "http://one.test", "*", "null"}
	originPatterns = []string{"https://.*", "https://(one|two)[.]test"}
)

// cors returns a policy for other origins. Istio accepts it for every rule, and Envoy applies it where the rule has a route.
func (g generator) cors() object {
	c := object{}
	switch g.IntN(8) {
	case 0:
	case 1:
		c["allowOrigin"] = []any{pick(g, origins...), pick(g, origins...)}
	default:
		c["allowOrigins"] = []any{g.text(origins, originPatterns...), g.text(origins, originPatterns...)}
	}
	list := func(field string, percent int, from ...string) {
		if g.sometimes(percent) {
			c[field] = []any{pick(g, from...)}
			if g.sometimes(40) {
				c[field] = []any{pick(g, from...), pick(g, from...)}
			}
		}
	}
	list("allowMethods", 60, "GET", "PUT", "OPTIONS", "*")
	list("allowHeaders", 60, "x-a", "X-C", "*")
	list("exposeHeaders", 40, "x-a", "x-b", "*")
	if g.sometimes(40) {
		c["maxAge"] = pick(g, "1s", "86400s")
	}
	if g.sometimes(50) {
		c["allowCredentials"] = pick(g, true, false)
	}
	if g.sometimes(50) {
		c["unmatchedPreflights"] = pick(g, "UNSPECIFIED", "FORWARD", "IGNORE")
	}
	return c
}

// fromPage makes a request one that a browser sends for a page of another origin, sometimes a preflight request.
func (g generator) fromPage(r request) request {
	r = r.with("origin", pick(g, append([]string{"", "https://three.test"}, origins...)...))
	if g.sometimes(5) {
		r = r.with("origin", pick(g, origins...))
	}
	if g.sometimes(60) {
		r.method, r.body = "OPTIONS", ""
		if g.sometimes(90) {
			r = r.with("access-control-request-method", pick(g, "GET", "PUT", ""))
		}
		if g.sometimes(60) {
			r = r.with("access-control-request-headers", pick(g, "x-a", "x-a,x-b", ""))
		}
	}
	if g.sometimes(15) {
		r = r.with(answerHeader, pick(g, "access-control-allow-origin", "access-control-expose-headers", "access-control-allow-methods")+"=up")
	}
	return r
}

func (g generator) rewrite() object {
	r := object{}
	switch g.IntN(4) {
	case 0:
		r["authority"] = "rewritten.test"
	case 1:
		r["uriRegexRewrite"] = object{"match": pick(g, "^/([a-z]+)/(.*)$", "a"), "rewrite": pick(g, `/\2/\1`, "/z")}
		if r["uriRegexRewrite"].(object)["match"] == "a" {
			r["uriRegexRewrite"].(object)["rewrite"] = "z"
		}
	default:
		r["uri"] = pick(g, "/", "/new", "/new/")
	}
	return r
}

func (g generator) retries() object {
	r := object{"attempts": pick(g, 0, 1, 2, 3)}
	if r["attempts"] == 0 {
		return r
	}
	if g.sometimes(80) {
		r["retryOn"] = pick(g, "5xx", "gateway-error", "reset", "connect-failure", "retriable-4xx", "retriable-status-codes,503", "503", "gateway-error,reset", "refused-stream")
	}
	if g.sometimes(15) {
		r["perTryTimeout"] = pick(g, "0.2s", "5s")
	}
	if g.sometimes(15) {
		r["backoff"] = "0.01s"
	}
	if g.sometimes(15) {
		r["retryIgnorePreviousHosts"] = pick(g, true, false)
	}
	if g.sometimes(10) {
		r["retryRemoteLocalities"] = pick(g, true, false)
	}
	return r
}

func (g generator) fault() object {
	f := object{}
	if g.sometimes(30) {
		d := object{"fixedDelay": "0.05s"}
		if g.sometimes(60) {
			d["percentage"] = object{"value": pick(g, 0, 100)}
		} else {
			d["percent"] = pick(g, 0, 100)
		}
		f["delay"] = d
	}
	if len(f) == 0 || g.sometimes(60) {
		a := object{"httpStatus": pick(g, 400, 503, 555)}
		if g.sometimes(80) {
			a["percentage"] = object{"value": pick(g, 0, 100)}
		}
		f["abort"] = a
	}
	return f
}

// mirror adds copies to a Service that has no rules, other than the called one.
func (g generator) mirror(route object) {
	percent := pick(g, 0, 100)
	to := object{"host": "mirror.app.svc.cluster.local", "subset": pick(g, "v1", "v2")}
	switch g.IntN(4) {
	case 0:
		route["mirror"] = to
	case 1:
		route["mirror"], route["mirrorPercentage"] = to, object{"value": percent}
	case 2:
		route["mirror"], route["mirrorPercent"] = object{"host": "mirror.app.svc.cluster.local", "subset": "v1", "port": object{"number": 9090}}, percent
	case 3:
		if g.sometimes(50) {
			to["port"] = object{"number": 80}
		}
		route["mirrors"] = []any{object{"destination": to, "percentage": object{"value": percent}}}
	}
}

// virtualService returns the rules of one Service, for the mesh and for its own host at the gateway.
func (g generator) virtualService(i int) object {
	service := "svc" + strconv.Itoa(i)
	spec := object{"hosts": []any{service, gateHost(i)}, "gateways": []any{"mesh", "gateway"}, "http": g.rules(service)}
	if g.sometimes(10) {
		spec["exportTo"] = []any{pick(g, "*", ".")}
	}
	return istioObject("VirtualService", service, spec)
}

// rules returns the http rules of a Service.
func (g generator) rules(service string) (http []any) {
	for n := range 1 + g.IntN(5) {
		route := object{}
		if g.sometimes(85) {
			var matches []any
			for range 1 + g.IntN(2) {
				if m := g.match(); len(m) > 0 {
					matches = append(matches, m)
				}
			}
			if len(matches) > 0 {
				route["match"] = matches
			}
		}
		if g.sometimes(30) {
			route["name"] = fmt.Sprintf("rule-%d", n)
		}
		g.action(route, service)
		if g.sometimes(25) {
			if h := g.changes(); len(h) > 0 {
				route["headers"] = h
			}
		}
		if g.sometimes(20) {
			route["corsPolicy"] = g.cors()
		}
		http = append(http, route)
	}
	return http
}

// delegate lets a rule of a VirtualService delegate, and returns the delegate; nil in most cases.
func (g generator) delegate(vs object, i int) object {
	if !g.sometimes(20) {
		return nil
	}
	name := "leaf" + strconv.Itoa(i)
	http := vs["spec"].(object)["http"].([]any)
	root := http[g.IntN(len(http))].(object)
	delete(root, "route")
	delete(root, "redirect")
	root["delegate"] = object{"name": name}
	if g.sometimes(50) {
		root["delegate"] = object{"name": name, "namespace": "app"}
	}
	if g.sometimes(30) {
		delete(root, "match") // nothing conflicts
	}
	spec := object{"http": g.rules("svc" + strconv.Itoa(i))}
	if g.sometimes(20) {
		spec["exportTo"] = []any{pick(g, "*", ".", "other")}
	}
	return istioObject("VirtualService", name, spec)
}

// redirects returns a Gateway that redirects some hosts to https; nil in most cases, because nothing else of these hosts is compared.
func (g generator) redirects() object {
	if !g.sometimes(30) {
		return nil
	}
	hosts := []any{pick(g, gateHost(0), gateHost(1), "*/"+gateHost(2), "./"+gateHost(3)), pick(g, gateHost(4), "none.test")}
	return istioObject("Gateway", "redirects", object{"selector": object{"istio": "ingressgateway"}, "servers": []any{object{
		"port": object{"name": "redirects", "number": 80, "protocol": pick(g, "HTTP", "HTTP2", "GRPC")}, "hosts": hosts, "tls": object{"httpsRedirect": true}}}})
}

// destinationRule names the versions, and the policy of their connections.
func (g generator) destinationRule(i int) object {
	service := "svc" + strconv.Itoa(i)
	subset := func(version string) any {
		s := object{"name": version, "labels": object{"version": version}}
		if g.sometimes(20) {
			s["trafficPolicy"] = g.policies()
		}
		return s
	}
	spec := object{"host": service, "subsets": []any{subset("v0"), subset("v1"), subset("v2")}}
	if g.sometimes(40) {
		spec["trafficPolicy"] = g.policies()
	}
	switch g.IntN(12) {
	case 0:
		spec["exportTo"] = []any{pick(g, "*", ".")}
	case 1:
		spec["workloadSelector"] = object{"matchLabels": object{"app": pick(g, "client", "visitor")}}
	}
	return istioObject("DestinationRule", service, spec)
}

// policies returns a policy, sometimes with another one for a port.
func (g generator) policies() object {
	p := g.policy()
	if g.sometimes(30) {
		port := g.policy()
		port["port"] = object{"number": pick(g, 80, 9090)}
		p["portLevelSettings"] = []any{port}
	}
	return p
}

// policy returns a policy whose limits no single request can reach: chance_test.go tests those.
func (g generator) policy() object {
	p := object{}
	if g.sometimes(15) {
		p["tls"] = g.tls()
	}
	switch g.IntN(4) {
	case 0:
		p["loadBalancer"] = object{"simple": pick(g, "ROUND_ROBIN", "LEAST_REQUEST", "RANDOM")}
	case 1:
		p["loadBalancer"] = object{"consistentHash": g.hash()}
	case 2:
		p["outlierDetection"] = g.outliers()
	default:
		p["connectionPool"] = g.pool()
	}
	return p
}

func (g generator) pool() object {
	http := object{"maxRequestsPerConnection": pick(g, 1, 10), "http1MaxPendingRequests": 100, "http2MaxRequests": 100, "maxRetries": 100, "idleTimeout": "60s"}
	tcp := object{"maxConnections": 100, "connectTimeout": "5s", "idleTimeout": "60s"}
	if g.sometimes(20) { // settings without effect on HTTP/1.1
		http["h2UpgradePolicy"] = pick(g, "DEFAULT", "DO_NOT_UPGRADE")
		http["maxConcurrentStreams"] = 100
		http["http2KeepAlive"] = object{"interval": "60s", "timeout": "10s"}
		tcp["tcpKeepalive"] = object{"probes": 3, "time": "60s", "interval": "10s"}
	}
	return object{"http": http, "tcp": tcp}
}

// tls is accepted by the lab and not enforced; the Istio here has no certificates and does not enforce it either.
func (g generator) tls() object {
	if g.sometimes(50) {
		return object{"mode": "DISABLE"}
	}
	return object{"mode": "ISTIO_MUTUAL", "sni": "sni.test", "subjectAltNames": []any{"spiffe://cluster.local/ns/app/sa/default"}}
}

func (g generator) hash() object {
	cookie := object{"name": "sticky"}
	if g.sometimes(50) {
		cookie["path"] = "/a"
	}
	if g.sometimes(50) {
		cookie["ttl"] = pick(g, "0s", "60s")
	}
	hash := pick(g, object{"httpHeaderName": "x-a"}, object{"useSourceIp": true}, object{"httpQueryParameterName": "p"}, object{"httpCookie": cookie})
	switch g.IntN(6) {
	case 0:
		hash["minimumRingSize"] = 64
	case 1:
		hash["ringHash"] = object{"minimumRingSize": 64}
	case 2:
		hash["maglev"] = object{"tableSize": 251}
	}
	return hash
}

func (g generator) outliers() object {
	return object{"consecutive5xxErrors": 1000, "consecutiveGatewayErrors": 1000, "splitExternalLocalOriginErrors": g.sometimes(50),
		"consecutiveLocalOriginFailures": 1000, "interval": "60s", "baseEjectionTime": "60s", "maxEjectionPercent": 100, "minHealthPercent": 50}
}

func istioObject(kind, name string, spec object) object {
	return object{"apiVersion": "networking.istio.io/v1", "kind": kind, "metadata": object{"name": name, "namespace": "app"}, "spec": spec}
}

func gateHost(i int) string { return fmt.Sprintf("gate%d.test", i) }

// request returns a request close to the rules: it mostly satisfies one of their matches, and is then changed a little.
func (g generator) request(vs object, i int, sidecar string) request {
	r := request{from: pick(g, sidecar, sidecar, ingress), method: pick(g, "GET", "GET", "GET", "POST", "PUT", "HEAD"), path: pick(g, paths...)}
	if r.from == ingress {
		r.authority = pick(g, gateHost(i), gateHost(i), gateHost(i)+":8080", strings.ToUpper(gateHost(i)))
	} else {
		name := "svc" + strconv.Itoa(i)
		r.authority = pick(g, name+".app.svc.cluster.local", name+".app", name+".app:80", name+".app:9090", name+".app.svc")
	}
	query := ""
	routes := vs["spec"].(object)["http"].([]any)
	if matches, ok := routes[g.IntN(len(routes))].(object)["match"].([]any); ok && g.sometimes(85) {
		query = g.satisfy(&r, matches[g.IntN(len(matches))].(object))
	}
	if g.sometimes(20) {
		r.path += pick(g, "/", "x", "/b")
	}
	if g.sometimes(10) {
		r.path = strings.ToUpper(r.path)
	}
	if g.sometimes(10) {
		query += pick(g, "&", "") + pick(g, "p=one", "q=", "q=two&q=one", "p")
	}
	if query = strings.TrimPrefix(query, "&"); query != "" {
		r.path += "?" + query
	}
	if g.sometimes(25) {
		r = r.with(pick(g, names...), pick(g, values...))
	}
	if g.sometimes(4) {
		r = r.with("cookie", "sticky="+pick(g, "one", "two"))
	}
	if g.sometimes(6) {
		r = r.with("x-forwarded-for", pick(g, "10.2.0.3", "127.0.0.1", "10.9.9.9, 10.2.0.3"))
	}
	if g.sometimes(4) {
		r = r.with("x-forwarded-client-cert", "By=spiffe://cluster.local/ns/app/sa/somebody")
	}
	if r.method == "POST" || r.method == "PUT" {
		r.body = strings.Repeat("b", pick(g, 1, 100, 70_000))
	}
	if g.sometimes(20) {
		return g.fromPage(r)
	}
	return g.behaviour(r)
}

// behaviour adds headers that control the upstream.
func (g generator) behaviour(r request) request {
	switch n := g.IntN(100); {
	case n < 8:
		return r.with(statusHeader, pick(g, "500", "503", "404", "409", "429"))
	case n < 16:
		return r.with(statusHeader, pick(g, "503,200", "500,503,200", "409,200", "503,503,503,503,200"))
	case n < 19:
		return r.with(closeHeader, pick(g, "1,0", "1"))
	case n < 22:
		return r.with(delayHeader, pick(g, "0.6s,0s", "0.6s"))
	case n < 27:
		return r.with(answerHeader, pick(g, names...)+"=up")
	}
	return r
}

// satisfy changes the request so that a match applies to it, as far as that is easy; it returns the query.
func (g generator) satisfy(r *request, m object) (query string) {
	word := func(text any) string {
		t := text.(object)
		for _, kind := range []string{"exact", "prefix"} {
			if s, ok := t[kind].(string); ok {
				return s
			}
		}
		if s, ok := t["regex"].(string); ok {
			return example[s]
		}
		return pick(g, values...)
	}
	if u, ok := m["uri"]; ok {
		r.path = word(u)
	}
	if u, ok := m["method"]; ok {
		if r.method = word(u); r.method == "" {
			r.method = "GET"
		}
	}
	if headers, ok := m["headers"].(object); ok {
		for name, text := range headers {
			*r = r.with(name, word(text))
		}
	}
	if params, ok := m["queryParams"].(object); ok {
		for name, text := range params {
			query += "&" + name + "=" + word(text)
		}
	}
	return query
}

// example holds a text that matches each regular expression.
var example = map[string]string{
	"/a.*": "/ab", "/[a-z]+": "/abc", "/a/.": "/a/x", "/(old|b)/x": "/old/x", ".*b": "/a/b", "/A?": "/A",
	"o.*": "one", "[a-z]+": "abc", "(one|two)": "two", "P.*": "PUT", "GET|PUT": "GET",
}

// text returns an object as YAML.
func text(o object) string {
	b, err := yaml.Marshal(o)
	if err != nil {
		panic(err) // maps of strings, numbers and lists: YAML can encode all of them
	}
	return string(b)
}
