package mesh

import (
	"net/http"
	"strings"
	"testing"
)

const policyHead = "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n"

func TestAuthorize(t *testing.T) {
	t.Parallel()
	front := &Source{Namespace: "hopline", Labels: map[string]string{"app": "front"}, Principal: "cluster.local/ns/hopline/sa/front"}
	other := &Source{Namespace: "other", Principal: "cluster.local/ns/other/sa/front"}
	nobody := &Source{Namespace: "hopline-outside"}
	core := &Source{Namespace: "hopline", Labels: map[string]string{"app": "core", "version": "prod"}}
	allow := func(rules string) string {
		return policyHead + "metadata: {name: p, namespace: hopline}\nspec: {selector: {matchLabels: {app: core}}, rules: [" + rules + "]}"
	}
	deny := func(rules string) string { return strings.Replace(allow(rules), "spec: {", "spec: {action: DENY, ", 1) }
	get := Request{Method: "GET", Authority: "core:80", Path: "/hops?x=1", Port: 8080, Cluster: "outbound|80||core.hopline.svc.cluster.local"}
	for name, c := range map[string]struct {
		policies []string
		from     *Source
		req      Request
		want     bool
		by       string
	}{
		"no policy":                       {nil, nobody, get, true, ""},
		"another namespace's":             {[]string{policyHead + "metadata: {name: p, namespace: other}\nspec: {}"}, front, get, true, ""},
		"another workload's":              {[]string{strings.Replace(allow(""), "core", "front", 1)}, front, get, true, ""},
		"none may":                        {[]string{policyHead + "metadata: {name: nobody, namespace: hopline}\nspec: {}"}, front, get, false, "nobody"},
		"deny without rules":              {[]string{deny("")}, front, get, true, ""},
		"anybody may":                     {[]string{allow("{}")}, nobody, get, true, "p"},
		"nobody may by deny":              {[]string{deny("{}"), allow("{}")}, front, get, false, "p"},
		"mesh-wide":                       {[]string{policyHead + "metadata: {name: all, namespace: istio-system}\nspec: {}"}, front, get, false, "istio-system/all"},
		"mesh-wide with selector":         {[]string{policyHead + "metadata: {name: all, namespace: istio-system}\nspec: {selector: {matchLabels: {app: front}}}"}, front, get, true, ""},
		"mesh-wide, and allowed here":     {[]string{policyHead + "metadata: {name: all, namespace: istio-system}\nspec: {}", allow("{}")}, front, get, true, "p"},
		"principal":                       {[]string{allow("{from: [{source: {principals: [cluster.local/ns/hopline/sa/front]}}]}")}, front, get, true, "p"},
		"another principal":               {[]string{allow("{from: [{source: {principals: [cluster.local/ns/hopline/sa/front]}}]}")}, other, get, false, "p"},
		"principal of nobody":             {[]string{allow("{from: [{source: {principals: [\"*\"]}}]}")}, nobody, get, false, "p"},
		"principal of no caller":          {[]string{allow("{from: [{source: {principals: [\"*\"]}}]}")}, nil, get, false, "p"},
		"any principal":                   {[]string{allow("{from: [{source: {principals: [\"*\"]}}]}")}, other, get, true, "p"},
		"principal's end":                 {[]string{allow("{from: [{source: {principals: [\"*/sa/front\"]}}]}")}, other, get, true, "p"},
		"principal's beginning":           {[]string{allow("{from: [{source: {principals: [\"cluster.local/ns/hopline/*\"]}}]}")}, other, get, false, "p"},
		"not principal":                   {[]string{allow("{from: [{source: {notPrincipals: [cluster.local/ns/hopline/sa/front]}}]}")}, other, get, true, "p"},
		"not that principal":              {[]string{allow("{from: [{source: {notPrincipals: [cluster.local/ns/hopline/sa/front]}}]}")}, front, get, false, "p"},
		"not principal, nobody":           {[]string{allow("{from: [{source: {notPrincipals: [\"*\"]}}]}")}, nobody, get, true, "p"},
		"namespace":                       {[]string{allow("{from: [{source: {namespaces: [hopline]}}]}")}, front, get, true, "p"},
		"namespace of nobody":             {[]string{allow("{from: [{source: {namespaces: [hopline-outside]}}]}")}, nobody, get, false, "p"},
		"not namespace":                   {[]string{deny("{from: [{source: {notNamespaces: [hopline]}}]}")}, other, get, false, "p"},
		"not namespace, nobody":           {[]string{deny("{from: [{source: {notNamespaces: [hopline]}}]}")}, nobody, get, false, "p"},
		"namespace and principal":         {[]string{allow("{from: [{source: {namespaces: [other], principals: [cluster.local/ns/hopline/sa/front]}}]}")}, front, get, false, "p"},
		"one source of two":               {[]string{allow("{from: [{source: {namespaces: [other]}}, {source: {namespaces: [hopline]}}]}")}, front, get, true, "p"},
		"method":                          {[]string{allow("{to: [{operation: {methods: [PUT, GET]}}]}")}, nobody, get, true, "p"},
		"not method":                      {[]string{allow("{to: [{operation: {notMethods: [GET]}}]}")}, nobody, get, false, "p"},
		"method's case":                   {[]string{allow("{to: [{operation: {methods: [get]}}]}")}, nobody, get, false, "p"},
		"path without query":              {[]string{allow("{to: [{operation: {paths: [/hops]}}]}")}, nobody, get, true, "p"},
		"path's beginning":                {[]string{allow("{to: [{operation: {paths: [/ho*]}}]}")}, nobody, get, true, "p"},
		"path's end":                      {[]string{allow("{to: [{operation: {paths: [\"*ps\"]}}]}")}, nobody, get, true, "p"},
		"another path":                    {[]string{allow("{to: [{operation: {paths: [/hop]}}]}")}, nobody, get, false, "p"},
		"not path":                        {[]string{allow("{to: [{operation: {notPaths: [/admin*]}}]}")}, nobody, get, true, "p"},
		"port":                            {[]string{allow("{to: [{operation: {ports: [\"8080\"]}}]}")}, nobody, get, true, "p"},
		"another port":                    {[]string{allow("{to: [{operation: {ports: [\"80\"]}}]}")}, nobody, get, false, "p"},
		"host as sent":                    {[]string{allow("{to: [{operation: {hosts: [core]}}]}")}, nobody, get, false, "p"},
		"host in any case":                {[]string{allow("{to: [{operation: {hosts: [\"CORE:*\"]}}]}")}, nobody, get, true, "p"},
		"from and to":                     {[]string{allow("{from: [{source: {namespaces: [hopline]}}], to: [{operation: {methods: [PUT]}}]}")}, front, get, false, "p"},
		"either rule":                     {[]string{allow("{to: [{operation: {methods: [PUT]}}]}, {from: [{source: {namespaces: [hopline]}}]}")}, front, get, true, "p"},
		"audit decides nothing":           {[]string{strings.Replace(deny("{}"), "DENY", "AUDIT", 1)}, front, get, true, ""},
		"audit beside allow":              {[]string{strings.Replace(strings.Replace(deny("{}"), "DENY", "AUDIT", 1), "name: p", "name: a", 1), allow("{to: [{operation: {methods: [PUT]}}]}")}, front, get, false, "p"},
		"namespace with a star inside":    {[]string{allow("{from: [{source: {namespaces: [\"h*e\"]}}]}")}, front, get, true, "p"},
		"a star matches a slash, too":     {[]string{allow("{from: [{source: {namespaces: [\"*sa\"]}}]}")}, front, get, true, "p"},
		"another namespace with a star":   {[]string{allow("{from: [{source: {namespaces: [\"hop*\"]}}]}")}, other, get, false, "p"},
		"any namespace of nobody":         {[]string{allow("{from: [{source: {namespaces: [\"*\"]}}]}")}, nobody, get, false, "p"},
		"service account":                 {[]string{allow("{from: [{source: {serviceAccounts: [front]}}]}")}, front, get, true, "p"},
		"of another namespace":            {[]string{allow("{from: [{source: {serviceAccounts: [front]}}]}")}, other, get, false, "p"},
		"with its namespace":              {[]string{allow("{from: [{source: {serviceAccounts: [other/front]}}]}")}, other, get, true, "p"},
		"not service account":             {[]string{allow("{from: [{source: {notServiceAccounts: [front]}}]}")}, other, get, true, "p"},
		"end of a service account":        {[]string{allow("{from: [{source: {serviceAccounts: [ront]}}]}")}, front, get, false, "p"},
		"trust domain":                    {[]string{allow("{from: [{source: {trustDomains: [cluster.local]}}]}")}, front, get, true, "p"},
		"beginning of a trust domain":     {[]string{allow("{from: [{source: {trustDomains: [\"clus*\"]}}]}")}, front, get, true, "p"},
		"not trust domain":                {[]string{allow("{from: [{source: {notTrustDomains: [\"*.local\"]}}]}")}, front, get, false, "p"},
		"trust domain of nobody":          {[]string{allow("{from: [{source: {trustDomains: [\"*\"]}}]}")}, nobody, get, false, "p"},
		"address of a pod":                {[]string{allow("{from: [{source: {ipBlocks: [127.0.0.0/8]}}]}")}, front, get, true, "p"},
		"another address":                 {[]string{allow("{from: [{source: {ipBlocks: [10.0.0.0/8, 127.0.0.2]}}]}")}, front, get, false, "p"},
		"not address":                     {[]string{allow("{from: [{source: {notIpBlocks: [127.0.0.1]}}]}")}, front, get, false, "p"},
		"client of a pod":                 {[]string{allow("{from: [{source: {remoteIpBlocks: [127.0.0.1]}}]}")}, front, get, true, "p"},
		"last forwarded client":           {[]string{allow("{from: [{source: {remoteIpBlocks: [10.2.0.0/16], notRemoteIpBlocks: [10.2.1.0/24]}}]}")}, front, forwardedFor(get, "10.9.9.9, 10.2.0.3"), true, "p"},
		"not the first one":               {[]string{allow("{from: [{source: {remoteIpBlocks: [10.9.0.0/16]}}]}")}, front, forwardedFor(get, "10.9.9.9, 10.2.0.3"), false, "p"},
		"no address is no client":         {[]string{allow("{from: [{source: {remoteIpBlocks: [127.0.0.1]}}]}")}, front, forwardedFor(get, "10.2.0.3, unknown"), true, "p"},
		"not that client":                 {[]string{allow("{from: [{source: {notRemoteIpBlocks: [\"10.2.0.3\"]}}]}")}, front, forwardedFor(get, "10.2.0.3"), false, "p"},
		"an IPv6 client":                  {[]string{allow("{when: [{key: remote.ip, values: [\"fd00::/8\"]}]}")}, front, forwardedFor(get, "fd00::1"), true, "p"},
		"when the header has a value":     {[]string{allow("{when: [{key: \"request.headers[x-team]\", values: [a, b*]}]}")}, nobody, with(get, "X-Team", "blue"), true, "p"},
		"when one of its values is":       {[]string{allow("{when: [{key: \"request.headers[X-Team]\", values: [\"*ue\"]}]}")}, nobody, with(get, "X-Team", "red", "blue"), true, "p"},
		"when the header is another":      {[]string{allow("{when: [{key: \"request.headers[x-team]\", values: [blue]}]}")}, nobody, with(get, "X-Team", "Blue"), false, "p"},
		"when there is no header":         {[]string{allow("{when: [{key: \"request.headers[x-team]\", values: [\"*\"]}]}")}, nobody, get, false, "p"},
		"when the header is empty":        {[]string{allow("{when: [{key: \"request.headers[x-team]\", values: [\"*\"]}]}")}, nobody, with(get, "X-Team", ""), true, "p"},
		"when not the header":             {[]string{allow("{when: [{key: \"request.headers[x-team]\", notValues: [\"*\"]}]}")}, nobody, get, true, "p"},
		"when both lists are set":         {[]string{allow("{when: [{key: \"request.headers[x-team]\", values: [b*], notValues: [blue]}]}")}, nobody, with(get, "X-Team", "blue"), false, "p"},
		"when the host is":                {[]string{allow("{when: [{key: \"request.headers[host]\", values: [\"core:80\"]}]}")}, nobody, get, true, "p"},
		"when the method is":              {[]string{allow("{when: [{key: \"request.headers[:method]\", values: [GET]}]}")}, nobody, get, true, "p"},
		"when of the principal":           {[]string{allow("{when: [{key: source.principal, values: [\"*/sa/front\"]}]}")}, front, get, true, "p"},
		"when of the namespace":           {[]string{allow("{when: [{key: source.namespace, notValues: [hopline]}]}")}, front, get, false, "p"},
		"when of the service account":     {[]string{allow("{when: [{key: source.serviceAccount, values: [front]}]}")}, front, get, true, "p"},
		"when of the trust domain":        {[]string{allow("{when: [{key: source.trustDomain, values: [cluster.local]}]}")}, front, get, true, "p"},
		"when of the address":             {[]string{allow("{when: [{key: source.ip, values: [127.0.0.1]}]}")}, front, get, true, "p"},
		"when of the own address":         {[]string{allow("{when: [{key: destination.ip, notValues: [\"127.0.0.1\"]}]}")}, front, get, false, "p"},
		"when of the port":                {[]string{allow("{when: [{key: destination.port, values: [\"8080\"]}]}")}, front, get, true, "p"},
		"when of the server name":         {[]string{allow("{when: [{key: connection.sni, values: [outbound_.80_._.core.hopline.svc.cluster.local]}]}")}, front, get, true, "p"},
		"no server name without TLS":      {[]string{allow("{when: [{key: connection.sni, values: [\"*\"]}]}")}, nobody, get, false, "p"},
		"all of when":                     {[]string{allow("{when: [{key: destination.port, values: [\"8080\"]}, {key: source.namespace, values: [other]}]}")}, front, get, false, "p"},
		"when beside from and to":         {[]string{allow("{from: [{source: {namespaces: [hopline]}}], to: [{operation: {methods: [GET]}}], when: [{key: \"request.headers[x]\", values: [z]}]}")}, front, get, false, "p"},
		"template":                        {[]string{allow("{to: [{operation: {paths: [\"/{*}\"]}}]}")}, nobody, get, true, "p"},
		"template of another depth":       {[]string{allow("{to: [{operation: {paths: [\"/{*}/{*}\"]}}]}")}, nobody, get, false, "p"},
		"not template":                    {[]string{allow("{to: [{operation: {notPaths: [\"/{**}\"]}}]}")}, nobody, get, false, "p"},
		"deny before allow":               {[]string{strings.Replace(deny("{to: [{operation: {paths: [/hops]}}]}"), "name: p", "name: d", 1), allow("{}")}, front, get, false, "d"},
		"deny of something else, allowed": {[]string{strings.Replace(deny("{to: [{operation: {paths: [/x]}}]}"), "name: p", "name: d", 1), allow("{}")}, front, get, true, "p"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := compiled(t, c.policies...)
			allowed, by := table.Authorize(c.from, core, &c.req)
			if allowed != c.want || !strings.HasSuffix(by, c.by) || (by == "") != (c.by == "") {
				t.Errorf("got %v by %q, want %v by %q", allowed, by, c.want, c.by)
			}
		})
	}
}

// with returns a request with a header.
func with(req Request, name string, values ...string) Request {
	req.Header = http.Header{name: values}
	return req
}

func forwardedFor(req Request, addresses string) Request {
	return with(req, "X-Forwarded-For", addresses)
}

func TestAuthorizeRefuses(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{
		"{action: CUSTOM, rules: [{}]}":                                                "AuthorizationPolicy hopline/p: spec.action: CUSTOM is not supported by the lab: want ALLOW, DENY or AUDIT",
		"{rules: [{from: [{source: {requestPrincipals: [a]}}]}]}":                      "AuthorizationPolicy hopline/p: spec.rules[0].from[0].source.requestPrincipals: not supported by the lab",
		"{rules: [{}, {when: [{key: request.auth.principal, values: [a]}]}]}":          "AuthorizationPolicy hopline/p: spec.rules[1].when[0]: request.auth.principal is not supported by the lab: it checks no tokens",
		"{rules: [{when: [{key: \"request.auth.claims[a]\", values: [a]}]}]}":          "AuthorizationPolicy hopline/p: spec.rules[0].when[0]: request.auth.claims[a] is not supported by the lab: it checks no tokens",
		"{rules: [{when: [{key: \"experimental.envoy.filters.a[b]\", values: [a]}]}]}": "AuthorizationPolicy hopline/p: spec.rules[0].when[0]: experimental.envoy.filters.a[b] is not supported by the lab: it has no metadata of Envoy's filters",
		"{rules: [{when: [{key: \"request.headers[X-Request-Id]\", values: [a]}]}]}":   "AuthorizationPolicy hopline/p: spec.rules[0].when[0]: the header X-Request-Id is not supported by the lab: the proxies of the mesh set it themselves",
		"{rules: [{when: [{key: destination.port, values: [\"0\"]}]}]}":                "AuthorizationPolicy hopline/p: spec.rules[0].when[0]: want a port from 1 to 65535, got \"0\"",
		"{rules: [{to: [{operation: {ports: [http]}}]}]}":                              "AuthorizationPolicy hopline/p: spec.rules[0].to[0].operation.ports: want a port from 1 to 65535, got \"http\"",
		"{rules: [{to: [{operation: {paths: [\"/a//{*}\"]}}]}]}":                       "AuthorizationPolicy hopline/p: spec.rules[0].to[0].operation.paths: Envoy rejects the template \"/a//{*}\": want one that begins with / and has no //",
		"{rules: [{to: [{operation: {notPaths: [\"{*}\"]}}]}]}":                        "AuthorizationPolicy hopline/p: spec.rules[0].to[0].operation.paths: Envoy rejects the template \"{*}\": want one that begins with / and has no //",
		"{targetRefs: [{kind: Gateway, name: x, group: gateway.networking.k8s.io}]}":   "AuthorizationPolicy hopline/p: spec.targetRefs: not supported by the lab",
	} {
		if got := refused(t, policyHead+"metadata: {name: p, namespace: hopline}\nspec: "+spec); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", spec, got, want)
		}
	}
	dry := policyHead + "metadata: {name: p, namespace: hopline, annotations: {istio.io/dry-run: \"true\"}}\nspec: {}"
	if got := refused(t, dry); !strings.Contains(got, "istio.io/dry-run is not supported by the lab") {
		t.Errorf("dry run: got %s", got)
	}
}

func TestAuthorizeAllocatesNothing(t *testing.T) {
	rules := policyHead + "metadata: {name: p, namespace: hopline}\nspec: {rules: [{from: [{source: {namespaces: [hopline], ipBlocks: [127.0.0.1], remoteIpBlocks: [10.0.0.0/8]}}], " +
		"to: [{operation: {ports: [\"8080\"], paths: [/a*, \"*/b\"]}}], when: [{key: \"request.headers[x-a]\", values: [b]}]}]}"
	table := compiled(t, rules)
	from := &Source{Namespace: "hopline", Principal: "cluster.local/ns/hopline/sa/front"}
	to := &Source{Namespace: "hopline", Labels: map[string]string{"app": "core"}}
	req := &Request{Method: "GET", Authority: "core", Path: "/b/b", Port: 8080, Header: http.Header{"X-A": {"b"}, "X-Forwarded-For": {"10.0.0.1"}}}
	if allowed, _ := table.Authorize(from, to, req); !allowed {
		t.Fatal("denied, want allowed")
	}
	if n := testing.AllocsPerRun(1000, func() { table.Authorize(from, to, req) }); n != 0 {
		t.Errorf("an authorization makes %g allocations, want none", n)
	}
}
