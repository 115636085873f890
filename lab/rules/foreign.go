package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// foreignEffect returns the reason if an object of another kind may change an answer; "" if it cannot.
func (r *Rules) foreignEffect(f *overlay.Foreign, a *Answer) string {
	spec := field(f.Object, "spec")
	at := ""
	switch f.Kind {
	case "EnvoyFilter":
		at = envoyFilterAt(f, spec, a)
	case "RequestAuthentication":
		if hasToken(spec, a.Request) {
			at = proxyOf(f, f.Texts("spec", "selector", "matchLabels"), a, func(p *proxy) bool { return p.guards() })
		}
	case "GRPCRoute":
		at = parentNamed(f, spec, a)
	case "ListenerSet":
		if a.Source.Gateway {
			at = "the proxy of " + a.Source.Workload
		}
	case "Ingress":
		at = ingressNamed(f, spec, a)
	case "Service":
		host := istio.ServiceHost(f.Name, f.Namespace)
		toIt := slices.ContainsFunc(a.Shares, func(s mesh.Explained) bool { return s.Cluster.Host == host })
		if toIt || !a.Source.Gateway && mesh.NamesService(a.Request.Authority, f.Name, f.Namespace, a.Source.Namespace) {
			at = "requests to " + host
		}
	default:
		at = proxyOf(f, f.Texts("spec", "selector", "matchLabels"), a, func(*proxy) bool { return true })
	}
	if at == "" {
		return ""
	}
	return fmt.Sprintf("%s affects %s: %s, which is not computed", f, at, f.Why)
}

// proxyOf returns the first proxy of an answer that an object applies to: the object is in the proxy's namespace or in Istio's root namespace,
// and selects the proxy's labels.
func proxyOf(f *overlay.Foreign, labels map[string]string, a *Answer, which func(*proxy) bool) string {
	for _, p := range proxiesOf(a) {
		if (f.Namespace == istio.RootNamespace || f.Namespace == p.namespace) && istio.HasLabels(p.labels, labels) && which(&p) {
			return "the proxy of " + p.name
		}
	}
	return ""
}

// envoyFilterAt returns the proxy of an answer that a patch of an EnvoyFilter changes. Patches of clusters and of the bootstrap change no
// routing.
func envoyFilterAt(f *overlay.Foreign, spec map[string]any, a *Answer) string {
	for _, patch := range entries(spec, "configPatches") {
		switch patch["applyTo"] {
		case "CLUSTER", "BOOTSTRAP", "EXTENSION_CONFIG":
			continue
		}
		context, _ := field(patch, "match")["context"].(string)
		at := proxyOf(f, f.Texts("spec", "workloadSelector", "labels"), a, func(p *proxy) bool {
			return context == "" || context == "ANY" || context == p.role
		})
		if at != "" {
			return at
		}
	}
	return ""
}

// hasToken reports whether a request has a token where the rules of a RequestAuthentication look for one. Requests without a token pass.
func hasToken(spec map[string]any, req *mesh.Request) bool {
	for _, rule := range entries(spec, "jwtRules") {
		headers := entries(rule, "fromHeaders")
		params, _ := rule["fromParams"].([]any)
		cookies, _ := rule["fromCookies"].([]any)
		for _, h := range headers {
			if name, _ := h["name"].(string); req.Header.Get(name) != "" {
				return true
			}
		}
		for _, p := range params {
			if name, _ := p.(string); strings.Contains(req.Path, name+"=") {
				return true
			}
		}
		if len(cookies) > 0 && req.Header.Get("Cookie") != "" {
			return true
		}
		if len(headers)+len(params)+len(cookies) == 0 && (strings.HasPrefix(req.Header.Get("Authorization"), "Bearer ") || strings.Contains(req.Path, "access_token=")) {
			return true
		}
	}
	return false
}

// parentNamed returns the Service that a route of the Gateway API is attached to, if the request names it.
func parentNamed(f *overlay.Foreign, spec map[string]any, a *Answer) string {
	for _, parent := range entries(spec, "parentRefs") {
		name, _ := parent["name"].(string)
		namespace, _ := parent["namespace"].(string)
		namespace = cmp.Or(namespace, f.Namespace)
		if parent["kind"] == "Service" && !a.Source.Gateway && mesh.NamesService(a.Request.Authority, name, namespace, a.Source.Namespace) {
			return "requests to Service " + namespace + "/" + name
		}
	}
	return ""
}

// ingressNamed returns the ingress gateway, if an Ingress of Istio's class has the host of the request.
func ingressNamed(f *overlay.Foreign, spec map[string]any, a *Answer) string {
	annotations := f.Texts("metadata", "annotations")
	if spec["ingressClassName"] != "istio" && annotations["kubernetes.io/ingress.class"] != "istio" || !a.Source.Gateway {
		return ""
	}
	for _, rule := range entries(spec, "rules") {
		if host, _ := rule["host"].(string); host == "" || mesh.CoversHost(host, a.Request.Authority) {
			return "the proxy of " + a.Source.Workload
		}
	}
	return ""
}

// field returns a mapping in an object; nil if there is none.
func field(object map[string]any, name string) map[string]any {
	m, _ := object[name].(map[string]any)
	return m
}

// entries returns the mappings of a list in an object, and an empty one for any other entry.
func entries(object map[string]any, name string) (all []map[string]any) {
	list, _ := object[name].([]any)
	for _, entry := range list {
		m, _ := entry.(map[string]any)
		all = append(all, m)
	}
	return all
}
