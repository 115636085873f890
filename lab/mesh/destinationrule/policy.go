package destinationrule

import (
	"google.golang.org/protobuf/reflect/protoreflect"
	networking "istio.io/api/networking/v1alpha3"
)

// Policy holds the part of a TrafficPolicy that applies to one port of one subset. What the rule does not set is nil.
type Policy struct {
	Balancer *networking.LoadBalancerSettings
	Pool     *networking.ConnectionPoolSettings
	Outlier  *networking.OutlierDetection
}

// Policy returns the policy for a port of a subset, which is part of PolicyOf; a nil subset means the service as a whole. A nil rule has none. The
// settings of a port replace all settings at the same level.
// (https://istio.io/latest/docs/reference/config/networking/destination-rule/#TrafficPolicy)
func (d *Rule) Policy(subset *networking.Subset, port int) Policy {
	if d == nil {
		return Policy{}
	}
	policy, _ := portPolicy(PolicyOf(d.policy, subset), port)
	return policy
}

func portPolicy(p *networking.TrafficPolicy, port int) (policy Policy, ofPort bool) {
	for _, s := range p.GetPortLevelSettings() {
		if int(s.GetPort().GetNumber()) == port {
			return Policy{s.GetLoadBalancer(), s.GetConnectionPool(), s.GetOutlierDetection()}, true
		}
	}
	return Policy{p.GetLoadBalancer(), p.GetConnectionPool(), p.GetOutlierDetection()}, false
}

// PolicyOf returns the whole traffic policy of a subset, given that of its rule; nil if there is none. The settings of a subset replace those of its
// rule, one by one; the settings that a subset has for a port replace all others of the port. The result shares messages with the arguments and
// must not be changed.
// (https://istio.io/latest/docs/reference/config/networking/destination-rule/#Subset, field trafficPolicy)
func PolicyOf(base *networking.TrafficPolicy, subset *networking.Subset) *networking.TrafficPolicy {
	own := subset.GetTrafficPolicy()
	switch {
	case own == nil:
		return base
	case base == nil:
		return own
	}
	out := &networking.TrafficPolicy{}
	set(out, base)
	set(out, own)
	out.PortLevelSettings = nil
	for _, p := range base.GetPortLevelSettings() {
		if _, replaced := portPolicy(own, int(p.GetPort().GetNumber())); replaced {
			continue
		}
		merged := &networking.TrafficPolicy_PortTrafficPolicy{}
		set(merged, p)
		set(merged, own)
		out.PortLevelSettings = append(out.PortLevelSettings, merged)
	}
	out.PortLevelSettings = append(out.PortLevelSettings, own.GetPortLevelSettings()...)
	return out
}

// set sets the fields of a message that another one has and sets, by their names.
func set(out, from interface{ ProtoReflect() protoreflect.Message }) {
	to := out.ProtoReflect()
	from.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if field := to.Descriptor().Fields().ByName(f.Name()); field != nil {
			to.Set(field, v)
		}
		return true
	})
}
