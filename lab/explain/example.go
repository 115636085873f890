package explain

import (
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/rules"
)

// Example returns a question about a request that a rule matches. It tries requests that are made of the rule's first match, from every
// sender of the overlay, and prefers one that is routed. ok is false if it finds none: the rule may match none, or only requests that the
// match does not show.
func Example(of *rules.Rules, object, name string) (q *rules.Question, ok bool) {
	all := of.Table.Rules()
	i := slices.IndexFunc(all, func(r mesh.Rule) bool { return r.Object == object && r.Name == name })
	if i < 0 {
		return nil, false
	}
	host := "localhost"
	if len(all[i].Hosts) > 0 && all[i].Hosts[0] != "*" { // an HTTPRoute has none if other listeners have precedence for all of them
		host = strings.Replace(all[i].Hosts[0], "*", "a", 1)
	}
	for _, match := range append(slices.Clone(all[i].HTTP.GetMatch()), nil) {
		request := rules.RequestFor(match, host, "")
		q = &request
		for _, from := range senders(of) {
			q.From = from
			a, err := of.Ask(q)
			if err != nil || a.Taken == nil || a.Taken.Object != object || !strings.HasPrefix(a.Taken.Place, all[i].Place) {
				continue
			}
			if a.Status() == 0 {
				return q, true
			}
		}
	}
	return nil, false
}

// senders names the senders of requests: "" for the ingress gateway, then the Deployments.
func senders(of *rules.Rules) []string {
	names := []string{""}
	for _, d := range of.Overlay.Deployments {
		names = append(names, d.Namespace+"/"+d.Name)
	}
	return names
}
