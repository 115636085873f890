package mesh

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/overlay"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	security "istio.io/api/security/v1beta1"
)

// checkFields rejects every field of an overlay's Istio objects that is on no list.
func checkFields(o *overlay.Overlay, report *overlay.Report) {
	known := map[string]map[string]bool{}
	for _, k := range Fields() {
		known[k.Kind] = map[string]bool{}
		for _, f := range slices.Concat(k.Enforced, k.Accepted) {
			known[k.Kind][f] = true
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
// trafficPolicy.tls". It leaves out fields that need no effect, by KindFields.Values, and adds the action AUDIT.
func (t *Table) NotEnforced() []string {
	named := map[string]string{}
	for _, k := range Fields() {
		for _, f := range k.Accepted {
			parent := f[:max(0, strings.LastIndexByte(f, '.'))]
			if k.Values[f] == "" && !slices.Contains(k.Accepted, parent) {
				named[k.Kind+" "+f] = ""
			}
		}
	}
	set := map[string]string{}
	note := func(kind string, spec proto.Message) {
		walk(spec.ProtoReflect(), "", "", func(field, _ string) bool {
			if _, ok := named[kind+" "+field]; ok {
				set[kind+" "+field] = ""
			}
			return true
		})
	}
	o := t.compiler.overlay
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
	return sortedKeys(set)
}

func noteKind[T proto.Message](note func(kind string, spec proto.Message), objects []overlay.Istio[T]) {
	for _, x := range objects {
		note(x.Kind, x.Spec)
	}
}

func checkKind[T proto.Message](objects []overlay.Istio[T], known map[string]bool, report *overlay.Report) {
	for _, x := range objects {
		walk(x.Spec.ProtoReflect(), "", "spec", func(field, path string) bool {
			if !known[field] {
				report.Add(x.String(), path, "not supported by the lab")
				return false
			}
			return true
		})
	}
}

// walk visits all set fields of a message, with two paths: as in a list, and as in the document. It visits the fields below a field only if
// visit returns true. Durations and other well-known types have no fields below.
func walk(m protoreflect.Message, field, path string, visit func(field, path string) bool) {
	m.Range(func(d protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		field, path := join(field, d.JSONName()), join(path, d.JSONName())
		below := func(v protoreflect.Value, path string) {
			if !strings.HasPrefix(string(v.Message().Descriptor().FullName()), "google.protobuf.") {
				walk(v.Message(), field, path, visit)
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

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
