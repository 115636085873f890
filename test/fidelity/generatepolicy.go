package fidelity

import (
	"strconv"
	"strings"
)

// gatewayPolicy denies some requests for a Service's host at the gateway. It has the gateway's selector: workloads have no sidecar of Istio's
// here that could enforce it.
func (g generator) gatewayPolicy(i int) object {
	rule := object{"to": []any{object{"operation": g.operation(i)}}}
	if g.sometimes(30) {
		rule["from"] = []any{object{"source": g.source()}}
	}
	if g.sometimes(40) {
		rule["when"] = []any{g.when()}
		if g.sometimes(30) {
			rule["when"] = []any{g.when(), g.when()}
		}
	}
	spec := object{"action": "DENY", "selector": object{"matchLabels": object{"istio": "ingressgateway"}}, "rules": []any{rule}}
	if g.sometimes(10) {
		spec["action"] = "AUDIT"
	}
	policy := istioObject("AuthorizationPolicy", "gate"+strconv.Itoa(i), spec)
	policy["apiVersion"], policy["metadata"].(object)["namespace"] = "security.istio.io/v1", "istio-system"
	return policy
}

// operation returns conditions on requests for a Service's host.
func (g generator) operation(i int) object {
	operation := object{"hosts": []any{pick(g, gateHost(i), gateHost(i)+"*", strings.ToUpper(gateHost(i)))}}
	if g.sometimes(10) {
		operation["notHosts"] = []any{gateHost(i) + ":*"}
	}
	switch g.IntN(4) {
	case 0:
		operation["paths"] = []any{pick(g, paths...), pick(g, "/a*", "*b", "/old/*"), pick(g, templates...)}
	case 1:
		operation["notPaths"] = []any{pick(g, paths...), pick(g, "/*", "*a", "/b*"), pick(g, templates...)}
	case 2:
		operation["methods"] = []any{pick(g, "GET", "P*", "*")}
	default:
		operation["notMethods"] = []any{pick(g, "GET", "H*")}
		operation["paths"] = []any{pick(g, "/a*", "*", pick(g, templates...))}
	}
	return operation
}

// templates holds templates of paths, each with a path that it may match among paths.
var templates = []string{"/a/{*}", "/{*}", "/{*}/b", "/a/{**}", "/{**}", "/old/{*}/", "/a/{*}/{**}", "/{**}/b"}

// source returns conditions on the caller. No caller of the gateway has an identity; every caller has the address of this machine.
func (g generator) source() object {
	return pick(g, object{"principals": []any{"*"}}, object{"notPrincipals": []any{"cluster.local/ns/app/*"}},
		object{"namespaces": []any{"app"}}, object{"notNamespaces": []any{"a*", "app"}},
		object{"serviceAccounts": []any{"app/default"}}, object{"notServiceAccounts": []any{"default"}},
		object{"trustDomains": []any{"cluster.local"}}, object{"notTrustDomains": []any{"*"}},
		object{"ipBlocks": []any{g.addresses()}}, object{"notIpBlocks": []any{g.addresses()}},
		object{"remoteIpBlocks": []any{g.addresses()}}, object{"notRemoteIpBlocks": []any{g.addresses()}})
}

func (g generator) addresses() string {
	return pick(g, "127.0.0.1", "127.0.0.0/8", "127.9.9.9/8", "10.2.0.3", "10.0.0.0/8", "0.0.0.0/0", "::1", "::/0")
}

// when returns a further condition.
func (g generator) when() object {
	w := object{"key": "request.headers[" + pick(g, names...) + "]"}
	values := []any{pick(g, "one", "two", "o*", "*o", "*", "ONE"), pick(g, "one,two", "t*")}
	switch g.IntN(10) {
	case 0:
		w["key"], values = pick(g, "source.ip", "remote.ip", "destination.ip"), []any{g.addresses(), g.addresses()}
	case 1:
		w["key"], values = "destination.port", []any{"1"}
	case 2:
		w["key"], values = "connection.sni", []any{pick(g, "*", "gate*", "*.test")}
	case 3:
		w["key"], values = pick(g, "source.namespace", "source.trustDomain"), []any{pick(g, "*", "app", "cluster.local")}
	case 4:
		w["key"], values = pick(g, "source.principal", "source.serviceAccount"), []any{"app/default"}
	case 5:
		w["key"], values = "request.headers["+pick(g, ":method", ":authority", "host", "Host", ":path")+"]", []any{pick(g, "GET", "P*", "gate1*", "*.test", "/a*", "*b")}
	}
	w[pick(g, "values", "values", "notValues")] = values
	if g.sometimes(10) {
		w["values"], w["notValues"] = values, values[:1]
	}
	return w
}
