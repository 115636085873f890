package cases

import (
	"fmt"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/rules"
)

// maxCallers bounds how many callers are tried for a rule.
const maxCallers = 50

// questionsFor returns requests, one of which a rule probably matches: for each of its match blocks, from each caller that may have it.
func questionsFor(r *rules.Rules, rule *mesh.Rule) (list []rules.Question) {
	host := "example.com"
	if len(rule.Hosts) > 0 {
		host = strings.Replace(rule.Hosts[0], "*", "any", 1)
	}
	blocks := rule.HTTP.GetMatch()
	if len(blocks) == 0 {
		blocks = []*networking.HTTPMatchRequest{{}}
	}
	_, name, _ := strings.Cut(rule.Object, " ")
	namespace, _, _ := strings.Cut(name, "/")
	for _, from := range callersOf(r, rule, namespace) {
		for _, m := range blocks {
			q := rules.RequestFor(m, host, from.URL)
			q.From, q.Caller = from.From, from.Caller
			if (q.From != "" || q.Caller != nil) && !strings.Contains(host, ".") && !strings.HasPrefix(q.From, namespace+"/") {
				q.URL = strings.Replace(q.URL, "//"+host, "//"+istio.FullHost(host, namespace), 1)
			}
			list = append(list, q)
		}
	}
	return list
}

// callersOf returns the callers that may have a rule. For a gateway the URL holds the port of the request.
func callersOf(r *rules.Rules, rule *mesh.Rule, namespace string) (list []rules.Question) {
	if len(rule.At) > 0 || rule.Gateway {
		list = append(list, rules.Question{})
	}
	for _, g := range r.Table.Gateways() {
		for _, port := range r.Table.GatewayPorts(&g) {
			if slices.Contains(rule.At, g.Workload) {
				list = append(list, rules.Question{From: g.Workload, URL: fmt.Sprintf(":%d", port)})
			}
		}
	}
	for _, d := range r.Overlay.Deployments {
		if len(list) < maxCallers {
			list = append(list, rules.Question{From: d.Namespace + "/" + d.Name})
		}
	}
	slices.SortStableFunc(list, func(a, b rules.Question) int { // those of the rule's own namespace first
		return strings.Compare(rankCaller(a.From, namespace), rankCaller(b.From, namespace))
	})
	return append(list, rules.Question{Caller: &rules.Caller{Namespace: namespace}})
}

func rankCaller(from, namespace string) string {
	switch {
	case !strings.Contains(from, "/"):
		return "0"
	case strings.HasPrefix(from, namespace+"/"):
		return "1"
	}
	return "2"
}
