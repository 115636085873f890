package lint

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/rules"
)

// object returns a YAML document of an object in namespace shop.
func object(kind, name, spec string) string {
	version := "networking.istio.io/v1"
	switch kind {
	case "AuthorizationPolicy", "RequestAuthentication":
		version = "security.istio.io/v1"
	case "HTTPRoute":
		version = "gateway.networking.k8s.io/v1"
	case "Service":
		version = "v1"
	case "Deployment":
		version = "apps/v1"
	}
	return "---\napiVersion: " + version + "\nkind: " + kind + "\nmetadata: {name: " + name + ", namespace: shop}\nspec: " + spec + "\n"
}

// rulesOf returns VirtualService shop/b for host b with http rules.
func rulesOf(http string) string {
	return object("VirtualService", "b", "{hosts: [b], http: ["+http+"]}")
}

// route returns an HTTPRoute for Service b.
func route(name, rules string) string {
	return object("HTTPRoute", name, `{parentRefs: [{group: "", kind: Service, name: b}], rules: [`+rules+"]}")
}

func workload(name, labels string) string {
	return object("Deployment", name, "{selector: {matchLabels: {app: b}}, template: {metadata: {labels: {"+labels+"}}, spec: {containers: [{name: c, image: i}]}}}")
}

const (
	to      = "route: [{destination: {host: b}}]"
	service = "{selector: {app: b}, ports: [{name: http, port: 80}]}"
)

// found returns the findings in some documents, each as its code, object, path and text.
func found(t *testing.T, documents ...string) []string {
	t.Helper()
	r, err := rules.ReadWhole(t.Context(), []string{"-"}, strings.NewReader(strings.Join(documents, "")))
	if err != nil {
		t.Fatal(err)
	}
	findings, _, err := Check(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{}
	for _, f := range findings {
		if f.File != "-" || f.Line == 0 {
			t.Errorf("%s: no file or line", f)
		}
		lines = append(lines, strings.Join([]string{f.Code, f.Object, f.Path, f.Text}, ": "))
	}
	return lines
}

// Each code fires on a minimal case, and not on one that is nearly the same.
func TestCodes(t *testing.T) {
	t.Parallel()
	const vs, dr = "VirtualService shop/b: ", "DestinationRule shop/b: "
	b := object("Service", "b", service)
	pods := workload("b-v1", "app: b, version: v1")
	subsets := object("DestinationRule", "b", "{host: b, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}")
	both := rulesOf("{route: [{destination: {host: b, subset: v1}, weight: 1}, {destination: {host: b, subset: v2}, weight: 1}]}")
	gateway := object("Gateway", "egress", "{selector: {istio: egressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [out.test]}]}") +
		object("ServiceEntry", "out", "{hosts: [out.test], resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}]}")
	through := func(outer, inner string) string {
		return gateway + workload("b", "app: b") + object("VirtualService", "out", "{hosts: [out.test], gateways: [mesh, egress], http: [{match: [{gateways: [mesh]}], route: [{destination: {host: istio-egressgateway.istio-system.svc.cluster.local}}], retries: "+outer+
			"}, {match: [{gateways: [egress]}], route: [{destination: {host: out.test}}], retries: "+inner+"}]}")
	}
	for name, c := range map[string]struct {
		documents string
		want      []string
	}{
		"HL001":                    {rulesOf("{name: all, " + to + "}, {match: [{uri: {prefix: /x}}], " + to + "}"), []string{"HL001: " + vs + "spec.http[1]: is never reached: all (http[0]) matches every request"}},
		"HL001 by a block":         {rulesOf("{match: [{uri: {prefix: /x}}], " + to + "}, {name: y, match: [{uri: {prefix: /x/y}}, {uri: {exact: /z}}], " + to + "}"), []string{"HL001: " + vs + "spec.http[1].match[0]: rule y is never reached: http[0].match[0] matches every such request"}},
		"HL001 by order":           {rulesOf("{match: [{uri: {prefix: /blocked}}], directResponse: {status: 403}}, {match: [{uri: {prefix: /}}], " + to + "}"), nil},
		"HL001 other callers":      {rulesOf("{match: [{sourceLabels: {app: web}}], " + to + "}, {match: [{uri: {prefix: /x}}], " + to + "}"), nil},
		"HL001 no such caller":     {b + pods + rulesOf("{match: [{sourceLabels: {app: web}, sourceNamespace: shop}], "+to+"}, {"+to+"}"), []string{"HL001: " + vs + "spec.http[0]: is never reached: want a source with the labels app=web"}},
		"HL001 a stranger":         {b + pods + rulesOf("{match: [{sourceLabels: {app: web}}], "+to+"}, {"+to+"}"), nil},
		"HL001 by a delegate":      {rulesOf("{match: [{uri: {prefix: /x}}], delegate: {name: leaf}}, {match: [{uri: {prefix: /x/y}}], " + to + "}"), nil},
		"HL001 of an HTTPRoute":    {route("r", "{name: x, matches: [{path: {value: /x}}], backendRefs: [{name: b, port: 80}]}, {name: again, matches: [{path: {value: /x}}], backendRefs: [{name: b, port: 80}]}"), []string{"HL001: HTTPRoute shop/r: spec.rules[1]: rule again is never reached: x (rules[0].matches[0]) matches every such request"}},
		"HL001 HTTPRoutes apart":   {route("r", "{backendRefs: [{name: b, port: 80}]}") + route("s", "{backendRefs: [{name: b, port: 80}]}"), nil},
		"HL002":                    {object("VirtualService", "a", "{hosts: [b], http: [{"+to+"}]}") + rulesOf("{"+to+"}"), []string{"HL002: " + vs + "spec.hosts: is never used: VirtualService shop/a has its host first (if both are of one age; else the older one has it)"}},
		"HL002 at a Gateway":       {object("Gateway", "g", "{selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [a.test]}]}") + object("VirtualService", "b", "{hosts: [b.test], gateways: [g], http: [{"+to+"}]}"), []string{"HL002: " + vs + "spec.hosts: is never used: Gateway shop/g accepts none of its hosts, or has no rule of it"}},
		"HL002 of TCP":             {object("VirtualService", "b", "{hosts: [b], tcp: [{"+to+"}]}"), nil},
		"HL002 of another Gateway": {object("VirtualService", "b", "{hosts: [b.test], gateways: [infra/g], http: [{"+to+"}]}"), nil},
		"HL002 for others":         {object("VirtualService", "b", "{hosts: [b.test], exportTo: [elsewhere], http: [{"+to+"}]}") + b + pods, nil},
		"HL003":                    {b + rulesOf("{route: [{destination: {host: bb}}]}"), []string{"HL003: " + vs + "spec.http[0].route[0].destination.host: no Service and no ServiceEntry has the host bb.shop.svc.cluster.local: its requests get 503"}},
		"HL003 of a port":          {b + rulesOf("{route: [{destination: {host: b, port: {number: 81}}}]}"), []string{"HL003: " + vs + "spec.http[0].route[0].destination.port.number: b.shop.svc.cluster.local has no port 81: its requests get 503; it has 80"}},
		"HL003 of a mirror":        {b + rulesOf("{"+to+", mirror: {host: bb}}"), []string{"HL003: " + vs + "spec.http[0].mirror.host: no Service and no ServiceEntry has the host bb.shop.svc.cluster.local: its requests get 503"}},
		"HL003 rules alone":        {rulesOf("{route: [{destination: {host: bb}}]}"), nil},
		"HL003 elsewhere":          {b + rulesOf("{route: [{destination: {host: bb.other.svc.cluster.local}}]}"), nil},
		"HL003 made by others":     {b + "---\napiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: bb, namespace: shop}\n" + rulesOf("{route: [{destination: {host: bb}}]}"), nil},
		"HL003 another name":       {b + object("Service", "bb", "{type: ExternalName, externalName: a.test}") + rulesOf("{route: [{destination: {host: bb}}]}"), nil},
		"HL003 an entry":           {b + object("ServiceEntry", "bb", "{hosts: [bb.shop.svc.cluster.local], resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}]}") + rulesOf("{route: [{destination: {host: bb}}]}"), nil},
		"HL003 of an HTTPRoute":    {b + route("r", "{backendRefs: [{name: b, port: 80}, {name: bb, port: 80}]}"), []string{"HL003: HTTPRoute shop/r: spec.rules[0].backendRefs[1].name: no Service and no ServiceEntry has the host bb.shop.svc.cluster.local: its requests get 500"}},
		"HL003 of a route's port":  {b + route("r", "{backendRefs: [{name: b, port: 81}]}"), []string{"HL003: HTTPRoute shop/r: spec.rules[0].backendRefs[0].port: b.shop.svc.cluster.local has no port 81: its requests get 500; it has 80"}},
		"HL003 of a route's copy":  {b + route("r", "{filters: [{type: RequestMirror, requestMirror: {backendRef: {name: bb, port: 80}}}], backendRefs: [{name: b, port: 80}]}"), []string{"HL003: HTTPRoute shop/r: spec.rules[0].filters[0].requestMirror.backendRef.name: no Service and no ServiceEntry has the host bb.shop.svc.cluster.local: no copy is sent"}},
		"HL004":                    {b + subsets + rulesOf("{route: [{destination: {host: b, subset: v3}}]}"), []string{"HL006: " + dr + "spec.subsets[0]: no route to b.shop.svc.cluster.local uses the subset v1", "HL006: " + dr + "spec.subsets[1]: no route to b.shop.svc.cluster.local uses the subset v2", "HL004: " + vs + "spec.http[0].route[0].destination.subset: no DestinationRule of b.shop.svc.cluster.local has the subset v3: its requests get 503; there are v1, v2"}},
		"HL004 rules elsewhere":    {b + rulesOf("{route: [{destination: {host: b, subset: v3}}]}"), nil},
		"HL005":                    {b + workload("c", "app: c"), []string{"HL005: Service shop/b: spec.selector: no workload of namespace shop has pods with app=b: its requests get 503"}},
		"HL005 of a subset":        {b + pods + subsets + both, []string{"HL005: " + dr + "spec.subsets[1].labels: no workload of Service shop/b has pods with version=v2: requests to the subset v2 get 503"}},
		"HL005 all there":          {b + pods + workload("b-v2", "app: b, version: v2") + subsets + both, nil},
		"HL005 no workloads":       {b + subsets + both, nil},
		"HL005 a pod's own label":  {object("Service", "b", "{selector: {app: b, statefulset.kubernetes.io/pod-name: b-0}, ports: [{name: http, port: 80}]}") + pods, nil},
		"HL005 a zone":             {b + pods + object("DestinationRule", "b", "{host: b, subsets: [{name: v1, labels: {topology.kubernetes.io/zone: a}}]}") + rulesOf("{route: [{destination: {host: b, subset: v1}}]}"), nil},
		"HL006":                    {subsets + rulesOf("{route: [{destination: {host: b, subset: v1}}]}"), []string{"HL006: " + dr + "spec.subsets[1]: no route to b.shop.svc.cluster.local uses the subset v2"}},
		"HL006 no route":           {subsets, nil},
		"HL006 of TCP":             {subsets + object("VirtualService", "b", "{hosts: [b], tcp: [{route: [{destination: {host: b, subset: v1}, weight: 1}, {destination: {host: b, subset: v2}, weight: 1}]}]}"), nil},
		"HL006 of a delegate":      {subsets + rulesOf("{route: [{destination: {host: b, subset: v1}}]}") + object("VirtualService", "leaf", "{http: [{route: [{destination: {host: b, subset: v2}}]}]}"), nil},
		"HL006 of a mirror":        {subsets + rulesOf("{route: [{destination: {host: b, subset: v1}}], mirror: {host: b, subset: v2}}"), nil},
		"HL006 by an HTTPRoute":    {subsets + route("r", "{backendRefs: [{name: b, port: 80}]}"), []string{"HL006: " + dr + "spec.subsets[0]: no route to b.shop.svc.cluster.local uses the subset v1", "HL006: " + dr + "spec.subsets[1]: no route to b.shop.svc.cluster.local uses the subset v2"}},
		"HL006 of other routes":    {subsets + route("r", "{backendRefs: [{name: c, port: 80}]}"), nil},
		"HL007 of an HTTPRoute":    {b + route("r", "{backendRefs: [{name: b, port: 80}, {name: bb, port: 80, weight: 0}]}"), []string{"HL007: HTTPRoute shop/r: spec.rules[0].backendRefs[1].weight: its weight is 0: no request goes to bb"}},
		"HL007 of no destination":  {b + route("r", "{backendRefs: [{name: b, port: 80, weight: 0}]}"), nil},
		"HL007":                    {rulesOf("{route: [{destination: {host: b}, weight: 100}, {destination: {host: c, subset: v2}, weight: 0}]}"), []string{"HL007: " + vs + "spec.http[0].route[1].weight: its weight is 0: no request goes to c subset v2"}},
		"HL007 alone":              {rulesOf("{route: [{destination: {host: b}, weight: 0}]}"), nil},
		"HL008":                    {through("{attempts: 3, retryOn: 5xx}", "{attempts: 2, retryOn: connect-failure}"), []string{"HL008: VirtualService shop/out: spec.http[0].retries: up to 4 tries here and 3 at istio-egressgateway (VirtualService shop/out http[1].match[0]): one request is tried up to 12 times"}},
		"HL008 of other failures":  {through("{attempts: 3, retryOn: connect-failure}", "{attempts: 2, retryOn: 5xx}"), nil},
		"HL008 on one side":        {through("{attempts: 3, retryOn: 5xx}", "{attempts: 0}"), nil},
		"HL009":                    {rulesOf("{" + to + ", timeout: 5s, retries: {attempts: 2, perTryTimeout: 2s, retryOn: 5xx}}"), []string{"HL009: " + vs + "spec.http[0].timeout: 3 tries of 2s each (perTryTimeout) take up to 6s, and the whole request may take 5s: the last ones are cut short"}},
		"HL009 of one try":         {rulesOf("{" + to + ", timeout: 2s, retries: {attempts: 2, perTryTimeout: 2s}}"), []string{"HL009: " + vs + "spec.http[0].timeout: a try may take 2s (perTryTimeout) and the whole request 2s: no try that takes too long is ever retried"}},
		"HL009 of an HTTPRoute":    {route("r", "{backendRefs: [{name: b, port: 80}], timeouts: {request: 5s, backendRequest: 2s}, retry: {attempts: 2, codes: [504]}}"), []string{"HL009: HTTPRoute shop/r: spec.rules[0].timeouts.request: 3 tries of 2s each (backendRequest) take up to 6s, and the whole request may take 5s: the last ones are cut short"}},
		"HL009 of no retry":        {route("r", "{backendRefs: [{name: b, port: 80}], timeouts: {request: 5s, backendRequest: 2s}}"), nil},
		"HL009 that fit":           {rulesOf("{" + to + ", timeout: 6s, retries: {attempts: 2, perTryTimeout: 2s, retryOn: 5xx}}"), nil},
		"HL009 of quick failures":  {rulesOf("{" + to + ", timeout: 5s, retries: {attempts: 2, perTryTimeout: 2s, retryOn: connect-failure}}"), nil},
		"HL010":                    {pods + object("AuthorizationPolicy", "p", "{selector: {matchLabels: {app: web}}}"), []string{"HL010: AuthorizationPolicy shop/p: spec.selector.matchLabels: selects nothing: no workload of namespace shop has pods with app=web"}},
		"HL010 of a Sidecar":       {pods + object("Sidecar", "s", "{workloadSelector: {labels: {app: web}}, egress: [{hosts: ['*/*']}]}"), []string{"HL010: Sidecar shop/s: spec.workloadSelector.labels: selects nothing: no workload of namespace shop has pods with app=web"}},
		"HL010 of tokens":          {pods + object("RequestAuthentication", "r", "{selector: {matchLabels: {app: web}}}"), []string{"HL010: RequestAuthentication shop/r: spec.selector.matchLabels: selects nothing: no workload of namespace shop has pods with app=web"}},
		"HL010 one":                {pods + object("AuthorizationPolicy", "p", "{selector: {matchLabels: {app: b}}}"), nil},
		"HL010 no workloads":       {object("AuthorizationPolicy", "p", "{selector: {matchLabels: {app: web}}}"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := append([]string{}, c.want...)
			if diff := cmp.Diff(want, found(t, c.documents)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
