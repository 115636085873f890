package lint

import (
	"fmt"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
)

type destinationRule = overlay.Istio[*networking.DestinationRule]

// missingSubsets finds destinations with a subset that no DestinationRule of the host has. The DestinationRule may be in other files, unless
// the files have one of the namespace.
func (l *linter) missingSubsets() {
	for _, d := range l.destinations() {
		if _, known := l.portsOf(d.host); d.subset == "" || !known || !l.knowsRulesOf(d.host) {
			continue
		}
		var names []string
		for _, rule := range l.rules.Overlay.DestinationRules {
			if istio.Within(d.host, istio.FullHost(rule.Spec.GetHost(), rule.Namespace)) {
				for _, s := range rule.Spec.GetSubsets() {
					names = append(names, s.GetName())
				}
			}
		}
		if !slices.Contains(names, d.subset) {
			slices.Sort(names)
			l.add(d.object, d.path+".subset", "no DestinationRule of %s has the subset %s: its requests get 503; there %s", d.host, d.subset, namesText(slices.Compact(names)))
		}
	}
}

// knowsRulesOf reports whether the files have the DestinationRules of a host: one of the host, or one of its namespace.
func (l *linter) knowsRulesOf(host string) bool {
	_, namespace, inCluster := istio.ServiceOf(host)
	return l.rules.KnowsAll() || slices.ContainsFunc(l.rules.Overlay.DestinationRules, func(d destinationRule) bool {
		return inCluster && d.Namespace == namespace || istio.Within(host, istio.FullHost(d.Spec.GetHost(), d.Namespace))
	})
}

func namesText(names []string) string {
	switch len(names) {
	case 0:
		return "is none"
	case 1:
		return "is " + names[0]
	}
	return "are " + strings.Join(names, ", ")
}

// unusedSubsets finds subsets that no route of any protocol uses. Routes may be in other files, unless the files have some route to the host.
func (l *linter) unusedSubsets() {
	for _, d := range l.rules.Overlay.DestinationRules {
		host := istio.FullHost(d.Spec.GetHost(), d.Namespace)
		if strings.HasPrefix(host, "*") || !l.rules.KnowsAll() && !l.rules.RoutesTo(host) {
			continue
		}
		for i, s := range d.Spec.GetSubsets() {
			if !l.rules.Routes(host, s.GetName()) {
				l.add(d.String(), fmt.Sprintf("spec.subsets[%d]", i), "no route to %s uses the subset %s", host, s.GetName())
			}
		}
	}
}
