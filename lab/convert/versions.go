package convert

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh/destinationrule"
	"github.com/hopline/hopline/lab/overlay"
)

// version is a subset of a Service, which becomes a Service.
type version struct {
	overlay.Meta // of the new Service
	rule         *overlay.Istio[*networking.DestinationRule]
	subset       *networking.Subset
	of           *overlay.Service
	selector     map[string]string
	exists       bool // whether the files have such a Service already
}

// serviceSpec is the specification of a Service to write.
type serviceSpec struct {
	Selector map[string]string `field:"selector"`
	Ports    []servicePort     `field:"ports"`
}

type servicePort struct {
	Name        string `field:"name"`
	Port        int    `field:"port"`
	TargetPort  any    `field:"targetPort"` // a number or a name
	AppProtocol string `field:"appProtocol"`
}

// findVersions finds the subsets of all DestinationRules.
func (c *converter) findVersions() {
	of := map[string]*overlay.Istio[*networking.DestinationRule]{}
	var all []*version
	for i := range c.overlay.DestinationRules {
		d := &c.overlay.DestinationRules[i]
		if c.isGiven(d.Meta) {
			continue
		}
		host := istio.FullHost(d.Spec.GetHost(), d.Namespace)
		if first := of[host]; first != nil && len(first.Spec.GetSubsets())+len(d.Spec.GetSubsets()) > 0 {
			c.reject(d, "spec.host", "want one DestinationRule for a host with subsets, got this one beside %s", first)
			continue
		}
		of[host] = d
		all = append(all, c.versionsOf(d, host)...)
	}
	c.nameVersions(all)
}

// versionsOf returns the subsets of one DestinationRule.
func (c *converter) versionsOf(d *overlay.Istio[*networking.DestinationRule], host string) (all []*version) {
	if len(d.Spec.GetSubsets()) == 0 {
		return nil
	}
	s := c.services[host]
	if s == nil || c.isGiven(s.Meta) || len(s.Selector) == 0 {
		c.reject(d, "spec.host", "want the host of a Service with a selector among the files, whose subsets become Services, got %s", d.Spec.GetHost())
		return nil
	}
	for i, subset := range d.Spec.GetSubsets() {
		v := &version{rule: d, subset: subset, of: s, selector: maps.Clone(s.Selector)}
		v.Meta = overlay.Meta{APIVersion: "v1", Kind: "Service", Namespace: s.Namespace, Name: s.Name + "-" + subset.GetName(), Labels: maps.Clone(s.Labels)}
		for k, value := range subset.GetLabels() {
			if have, ok := v.selector[k]; ok && have != value {
				c.reject(d, fmt.Sprintf("spec.subsets[%d].labels", i), "want %s=%s, as %s selects, got %s: no pod has both", k, have, s, value)
			}
			v.selector[k] = value
		}
		c.versions[overlay.SubsetName{Host: host, Subset: subset.GetName()}] = v
		all = append(all, v)
	}
	if d.Spec.GetTrafficPolicy() != nil {
		c.out.Reduced = append(c.out.Reduced, d.Meta)
	} else {
		c.out.Replaced = append(c.out.Replaced, d.Meta)
	}
	return all
}

// nameVersions names the Services of subsets. A Service of the files that is the same already is used.
func (c *converter) nameVersions(all []*version) {
	var claims []claim
	var made []*version
	for _, v := range all {
		wanted := v.Meta
		wanted.Name = validName(wanted.Name)
		if s := c.services[istio.ServiceHost(wanted.Name, wanted.Namespace)]; s != nil && maps.Equal(s.Selector, v.selector) && samePorts(s.Ports, v.of.Ports) {
			v.Meta, v.exists = s.Meta, true
			continue
		}
		claims = append(claims, claim{v.Meta, v.of.String() + " " + v.subset.GetName()})
		made = append(made, v)
	}
	for i, m := range c.names.give(claims) {
		made[i].Meta = m
		c.out.Added = append(c.out.Added, m)
	}
}

// samePorts compares ports, whatever their node ports are.
func samePorts(a, b []overlay.ServicePort) bool {
	return slices.EqualFunc(a, b, func(x, y overlay.ServicePort) bool {
		x.NodePort, y.NodePort = 0, 0
		return x == y
	})
}

// addVersions writes the Services of subsets and their DestinationRules.
func (c *converter) addVersions() {
	var services, policies []Object
	var claims []claim
	for _, name := range slices.SortedFunc(maps.Keys(c.versions), func(a, b overlay.SubsetName) int { return byPlace(c.versions[a].Meta, c.versions[b].Meta) }) {
		v := c.versions[name]
		if !v.exists {
			services = append(services, Object{Meta: v.Meta, Spec: v.spec(), of: v.rule.String()})
		}
		if policy := destinationrule.PolicyOf(v.rule.Spec.GetTrafficPolicy(), v.subset); policy != nil {
			m := overlay.Meta{APIVersion: v.rule.APIVersion, Kind: "DestinationRule", Namespace: v.rule.Namespace, Name: v.Name, Labels: v.rule.Labels}
			claims = append(claims, claim{m, v.rule.String() + " " + v.subset.GetName()})
			policies = append(policies, Object{of: v.rule.String(), Spec: &networking.DestinationRule{Host: istio.ServiceHost(v.Name, v.Namespace),
				TrafficPolicy: policy, ExportTo: v.rule.Spec.GetExportTo(), WorkloadSelector: v.rule.Spec.GetWorkloadSelector()}})
			if v.subset.GetTrafficPolicy().GetConnectionPool() != nil {
				c.note("the connectionPool of subset %s of %s now also limits what reaches a pod: Istio applies it there if it is at the top of a DestinationRule", v.subset.GetName(), v.rule)
			}
		}
	}
	for i, m := range c.names.give(claims) {
		policies[i].Meta = m
	}
	c.out.Objects = append(append(c.out.Objects, services...), policies...)
}

// addReduced writes the DestinationRules that stay without their subsets, since they have a policy for the whole host.
func (c *converter) addReduced() {
	for _, d := range c.overlay.DestinationRules {
		if slices.ContainsFunc(c.out.Reduced, func(m overlay.Meta) bool { return m.String() == d.String() }) {
			spec := proto.CloneOf(d.Spec)
			spec.Subsets = nil
			c.out.Objects = append(c.out.Objects, Object{Meta: d.Meta, Spec: spec, of: d.String(), stays: true})
		}
	}
}

func (v *version) spec() *serviceSpec {
	out := &serviceSpec{Selector: v.selector}
	for _, p := range v.of.Ports {
		port := servicePort{Name: p.Name, Port: p.Port, TargetPort: p.Target, AppProtocol: p.AppProtocol}
		if n, err := strconv.Atoi(p.Target); err == nil {
			port.TargetPort = n
		}
		out.Ports = append(out.Ports, port)
	}
	return out
}
