package mesh

import (
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
	get := Request{Method: "GET", Authority: "core:80", Path: "/hops?x=1", Port: 8080}
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

func TestAuthorizeRefuses(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{
		"{action: AUDIT, rules: [{}]}":                                               "AuthorizationPolicy hopline/p: spec.action: AUDIT is not supported by the lab: want ALLOW or DENY",
		"{rules: [{from: [{source: {requestPrincipals: [a]}}]}]}":                    "AuthorizationPolicy hopline/p: spec.rules[0].from[0].source.requestPrincipals: not supported by the lab",
		"{rules: [{}, {when: [{key: source.ip, values: [10.0.0.1]}]}]}":              "AuthorizationPolicy hopline/p: spec.rules[1].when: not supported by the lab",
		"{rules: [{to: [{operation: {ports: [http]}}]}]}":                            "AuthorizationPolicy hopline/p: spec.rules[0].to[0].operation.ports: want a port from 1 to 65535, got \"http\"",
		"{rules: [{to: [{operation: {paths: [\"/a/{*}\"]}}]}]}":                      "AuthorizationPolicy hopline/p: spec.rules[0].to[0].operation.paths: a template, \"/a/{*}\", is not supported by the lab",
		"{rules: [{from: [{source: {namespaces: [\"a*b\"]}}]}]}":                     "AuthorizationPolicy hopline/p: spec.rules[0].from[0].source.namespaces: a star inside, \"a*b\", is not supported by the lab: want one at an end",
		"{targetRefs: [{kind: Gateway, name: x, group: gateway.networking.k8s.io}]}": "AuthorizationPolicy hopline/p: spec.targetRefs: not supported by the lab",
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
	rules := policyHead + "metadata: {name: p, namespace: hopline}\nspec: {rules: [{from: [{source: {namespaces: [hopline]}}], to: [{operation: {ports: [\"8080\"], paths: [/a*]}}]}]}"
	table := compiled(t, rules)
	from := &Source{Namespace: "hopline", Principal: "cluster.local/ns/hopline/sa/front"}
	to := &Source{Namespace: "hopline", Labels: map[string]string{"app": "core"}}
	req := &Request{Method: "GET", Authority: "core", Path: "/abc", Port: 8080}
	if n := testing.AllocsPerRun(1000, func() { table.Authorize(from, to, req) }); n != 0 {
		t.Errorf("an authorization makes %g allocations, want none", n)
	}
}
