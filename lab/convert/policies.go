package convert

import (
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	networking "istio.io/api/networking/v1alpha3"
)

// policyOf returns the traffic policy of a subset for a DestinationRule of its own; nil if it has none. The settings of a subset replace those
// of its rule, one by one; the settings that a subset has for a port replace all others of the port.
// (https://istio.io/latest/docs/reference/config/networking/destination-rule/#Subset, field trafficPolicy)
func policyOf(rule *networking.DestinationRule, subset *networking.Subset) *networking.TrafficPolicy {
	base, own := rule.GetTrafficPolicy(), subset.GetTrafficPolicy()
	switch {
	case base == nil && own == nil:
		return nil
	case own == nil:
		return proto.CloneOf(base)
	case base == nil:
		return proto.CloneOf(own)
	}
	out := proto.CloneOf(base)
	settings := proto.CloneOf(own)
	settings.PortLevelSettings = nil
	override(out.ProtoReflect(), settings.ProtoReflect())
	for _, p := range out.PortLevelSettings {
		override(p.ProtoReflect(), settings.ProtoReflect())
	}
	for _, p := range own.GetPortLevelSettings() {
		out.PortLevelSettings = slices.DeleteFunc(out.PortLevelSettings, func(q *networking.TrafficPolicy_PortTrafficPolicy) bool {
			return q.GetPort().GetNumber() == p.GetPort().GetNumber()
		})
		out.PortLevelSettings = append(out.PortLevelSettings, proto.CloneOf(p))
	}
	return out
}

// override sets the fields of a message that another one sets, by their names.
func override(out, with protoreflect.Message) {
	with.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if to := out.Descriptor().Fields().ByName(f.Name()); to != nil {
			out.Set(to, v)
		}
		return true
	})
}
