package fields

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	"github.com/hopline/hopline/lab/overlay"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	security "istio.io/api/security/v1beta1"
)

// Check rejects every field of an overlay's Istio objects that is on no list, and values that the lab does not support.
func Check(o *overlay.Overlay, report *overlay.Report) {
	known := map[string]map[string]bool{}
	for _, k := range All() {
		known[k.Name] = map[string]bool{}
		for _, f := range slices.Concat(k.Enforced, k.Accepted) {
			known[k.Name][f] = true
		}
	}
	checkKind(o.VirtualServices, known["VirtualService"], report)
	checkKind(o.DestinationRules, known["DestinationRule"], report)
	checkKind(o.Gateways, known["Gateway"], report)
	checkKind(o.ServiceEntries, known["ServiceEntry"], report)
	checkKind(o.Sidecars, known["Sidecar"], report)
	checkKind(o.AuthorizationPolicies, known["AuthorizationPolicy"], report)
	checkValues(o, report)
}

// NotEnforced lists the fields of Istio's objects that the overlay sets and the lab only accepts, once each: "DestinationRule
// trafficPolicy.tls". It leaves out fields that need no effect, by Kind.Values, and adds the action AUDIT.
func NotEnforced(o *overlay.Overlay) []string {
	named := map[string]string{}
	for _, k := range All() {
		for _, f := range k.Accepted {
			parent := f[:max(0, strings.LastIndexByte(f, '.'))]
			if k.Values[f] == "" && !slices.Contains(k.Accepted, parent) {
				named[k.Name+" "+f] = ""
			}
		}
	}
	set := map[string]string{}
	note := func(kind string, spec proto.Message) {
		Walk(spec.ProtoReflect(), "", "", func(field, _ string) bool {
			if _, ok := named[kind+" "+field]; ok {
				set[kind+" "+field] = ""
			}
			return true
		})
	}
	noteKind(note, o.VirtualServices)
	noteKind(note, o.DestinationRules)
	noteKind(note, o.Gateways)
	noteKind(note, o.ServiceEntries)
	noteKind(note, o.Sidecars)
	noteKind(note, o.AuthorizationPolicies)
	for i := range o.AuthorizationPolicies {
		if o.AuthorizationPolicies[i].Spec.GetAction() == security.AuthorizationPolicy_AUDIT {
			set["AuthorizationPolicy action AUDIT"] = ""
		}
	}
	return slices.Sorted(maps.Keys(set))
}

func noteKind[T proto.Message](note func(kind string, spec proto.Message), objects []overlay.Istio[T]) {
	for _, x := range objects {
		note(x.Kind, x.Spec)
	}
}

func checkKind[T proto.Message](objects []overlay.Istio[T], known map[string]bool, report *overlay.Report) {
	for _, x := range objects {
		Walk(x.Spec.ProtoReflect(), "", "spec", func(field, path string) bool {
			if !known[field] {
				report.Add(x.String(), path, "not supported by the lab")
				return false
			}
			return true
		})
	}
}

// Walk visits all set fields of a message, with two paths: as in a list, and as in the document. It visits the fields below a field only if
// visit returns true. Durations and other well-known types have no fields below.
func Walk(m protoreflect.Message, field, path string, visit func(field, path string) bool) {
	m.Range(func(d protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		field, path := fieldpath.Join(field, d.JSONName()), fieldpath.Join(path, d.JSONName())
		below := func(v protoreflect.Value, path string) {
			if !strings.HasPrefix(string(v.Message().Descriptor().FullName()), "google.protobuf.") {
				Walk(v.Message(), field, path, visit)
			}
		}
		switch {
		case !visit(field, path):
		case d.IsMap() && d.MapValue().Message() != nil:
			v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
				below(v, path+"."+k.String())
				return true
			})
		case d.IsMap() || d.Message() == nil:
		case d.IsList():
			for i := range v.List().Len() {
				below(v.List().Get(i), fmt.Sprintf("%s[%d]", path, i))
			}
		default:
			below(v, path)
		}
		return true
	})
}
