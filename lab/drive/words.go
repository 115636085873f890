package drive

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/rulewords"

	networking "istio.io/api/networking/v1alpha3"
)

// thing returns the name of what a change applies to, without its namespace: "middle everybody", "middle-canary", a pod.
func (c *Change) thing() string {
	switch {
	case c.Object != "":
		return c.Object[strings.LastIndexByte(c.Object, '/')+1:] + " " + c.Rule
	case c.Pod != "":
		return c.Pod
	case c.Workload != "":
		return c.Workload[strings.LastIndexByte(c.Workload, '/')+1:]
	}
	return "overlay"
}

// words describes a change that is active: what it changes, and to what.
func (d *Drive) words(c *Change) (target, text string) {
	switch c.Kind {
	case Weights, Fault, Timeout, Retries, Mirror:
		text = "no " + string(c.Kind) + " of its own"
		if rule, err := findRule(d.active.table, c.Object, c.Rule); err == nil {
			text = cmp.Or(d.ruleText(c.Kind, rule), text)
		}
	case Scale:
		text = string(c.Value) + " replicas"
	case Stop:
		text = "stopped"
	case Start:
		text = "started"
	case Kill:
		text = "killed"
	case Drain:
		text = "drained"
	case Heal:
		text = "healed"
	case Faults:
		text = faultText(c)
	case Overlay:
		text = c.Overlay
	}
	return c.thing(), text
}

// ruleText describes one aspect of a rule that is active; "" if the rule has none.
func (d *Drive) ruleText(kind Kind, rule *mesh.Rule) string {
	if isRoute(rule.Object) {
		r := routeRuleOf(d.active.overlay, rule)
		return r.text(kind)
	}
	h, only := rule.HTTP, &networking.HTTPRoute{}
	switch kind {
	case Weights:
		var parts []string
		for _, r := range h.GetRoute() {
			parts = append(parts, fmt.Sprintf("%s %d", cmp.Or(r.GetDestination().GetSubset(), r.GetDestination().GetHost()), r.GetWeight()))
		}
		return strings.Join(parts, ", ")
	case Fault:
		only.Fault = h.GetFault()
	case Timeout:
		only.Timeout = h.GetTimeout()
	case Retries:
		only.Retries = h.GetRetries()
	case Mirror:
		only.Mirrors = h.GetMirrors()
	}
	return strings.Join(rulewords.Does(only), ", ")
}

// faultText describes the faults that a change sets.
func faultText(c *Change) string {
	wanted, err := c.rates()
	if err != nil {
		return string(c.Value)
	}
	var parts []string
	for _, field := range []struct{ name, text string }{{"error_rate", "errors %s %%"}, {"drop_rate", "drops %s %%"}, {"latency", "latency %s"}} {
		if value, ok := wanted[field.name]; ok {
			parts = append(parts, fmt.Sprintf(field.text, strings.Trim(string(value), `"`)))
		}
	}
	return strings.Join(parts, ", ")
}
