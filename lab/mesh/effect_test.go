package mesh

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/mesh/fields"
	"github.com/hopline/hopline/lab/overlay"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// The test sets every field listed as enforced so that it has an effect: without the field, the table differs or does not compile.
func TestEveryEnforcedFieldHasAnEffect(t *testing.T) {
	t.Parallel()
	effects := map[string]bool{}
	noteEffects(t, strings.Split(file(t, "effect.yaml"), "\n---\n"), effects)
	for _, policy := range []string{"connectionPool: {tcp: {idleTimeout: 9s}}", "loadBalancer: {consistentHash: {httpHeaderName: x-a}}",
		"loadBalancer: {consistentHash: {httpQueryParameterName: q}}", "loadBalancer: {consistentHash: {useSourceIp: true}}",
		"loadBalancer: {consistentHash: {httpCookie: {name: k, path: /a, ttl: 3s}}}"} {
		for _, place := range []string{"trafficPolicy: {%s}, subsets: [{name: v1}]", "trafficPolicy: {portLevelSettings: [{port: {number: 80}, %s}]}, subsets: [{name: v1}]",
			"subsets: [{name: v1, trafficPolicy: {%s}}]", "subsets: [{name: v1, trafficPolicy: {portLevelSettings: [{port: {number: 80}, %s}]}}]"} {
			noteEffects(t, []string{"apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: b, namespace: one}\nspec: {host: b, " + fmt.Sprintf(place, policy) + "}",
				"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: b, namespace: one}\nspec: {hosts: [b], http: [{route: [{destination: {host: b, subset: v1, port: {number: 80}}}]}]}"}, effects)
		}
	}
	noteEffects(t, []string{"apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: x, namespace: one}\nspec: {hosts: [x.ext], resolution: NONE, ports: [{number: 80, name: x, protocol: TCP}]}"}, effects)
	for _, kind := range fields.All() {
		for _, field := range kind.Enforced {
			if at := kind.Name + "." + field; !effects[at] {
				t.Errorf("%s is called enforced and changes nothing, or nothing here sets it", at)
			}
		}
	}
}

// If an overlay sets a field that is only accepted, the field is named at the start, or the documentation gives a reason why it needs no
// effect.
func TestAcceptedFieldsAreNamedOrHaveAReason(t *testing.T) {
	t.Parallel()
	for kind, message := range kinds() {
		i := slices.IndexFunc(fields.All(), func(k fields.Kind) bool { return k.Name == kind })
		lists := fields.All()[i]
		for _, field := range lists.Accepted {
			spec := message.ProtoReflect().New()
			setPath(spec, strings.Split(field, "."))
			o := withObject(kind, spec.Interface())
			explained := lists.Values[field] != ""
			for parent := field; !explained && strings.Contains(parent, "."); explained = lists.Values[parent] != "" && slices.Contains(lists.Accepted, parent) {
				parent = parent[:strings.LastIndexByte(parent, '.')]
			}
			named := slices.ContainsFunc(fields.NotEnforced(o), func(n string) bool { return strings.HasPrefix(kind+" "+field, n) })
			if !named && !explained {
				t.Errorf("%s.%s is accepted without effect, and neither named nor explained", kind, field)
			}
		}
	}
	const rule = "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: b, namespace: one}\nspec: {host: b, trafficPolicy: {tls: {mode: ISTIO_MUTUAL, sni: x}, connectionPool: {http: {h2UpgradePolicy: DEFAULT, maxRetries: 3}}}}"
	if got := fields.NotEnforced(compiled(t, file(t, "base.yaml"), rule).compiler.overlay); !slices.Equal(got, []string{"DestinationRule trafficPolicy.tls"}) {
		t.Errorf("named %q", got)
	}
}

// setPath sets one field and the fields above it.
func setPath(m protoreflect.Message, path []string) {
	fill(m, m.Descriptor().Fields().ByJSONName(path[0]), func(below protoreflect.Message) {
		if len(path) > 1 {
			setPath(below, path[1:])
		}
	})
}

// noteEffects removes the set fields of some objects, one by one, and records which of them make a difference.
func noteEffects(t *testing.T, documents []string, effects map[string]bool) {
	t.Helper()
	base := file(t, "base.yaml")
	with := tableText(t, objects(t, append([]string{base}, documents...)...))
	for i, doc := range documents {
		others := slices.Delete(slices.Clone(documents), i, i+1)
		spec := specs(objects(t, doc))[0]
		for _, field := range setFields(spec) {
			at := string(spec.ProtoReflect().Descriptor().Name()) + "." + field
			if effects[at] {
				continue
			}
			changed := objects(t, append([]string{base}, others...)...)
			less := objects(t, doc)
			clearField(specs(less)[0].ProtoReflect(), strings.Split(field, "."))
			effects[at] = tableText(t, merged(changed, less)) != with
		}
	}
}

// merged merges the Istio objects of two overlays. Everything else is from a.
func merged(a, b *overlay.Overlay) *overlay.Overlay {
	a.VirtualServices = append(a.VirtualServices, b.VirtualServices...)
	a.DestinationRules = append(a.DestinationRules, b.DestinationRules...)
	a.Gateways = append(a.Gateways, b.Gateways...)
	a.ServiceEntries = append(a.ServiceEntries, b.ServiceEntries...)
	a.Sidecars = append(a.Sidecars, b.Sidecars...)
	a.AuthorizationPolicies = append(a.AuthorizationPolicies, b.AuthorizationPolicies...)
	return a
}

// specs returns the specifications of an overlay's Istio objects.
func specs(o *overlay.Overlay) (all []proto.Message) {
	for _, x := range o.VirtualServices {
		all = append(all, x.Spec)
	}
	for _, x := range o.DestinationRules {
		all = append(all, x.Spec)
	}
	for _, x := range o.Gateways {
		all = append(all, x.Spec)
	}
	for _, x := range o.ServiceEntries {
		all = append(all, x.Spec)
	}
	for _, x := range o.Sidecars {
		all = append(all, x.Spec)
	}
	for _, x := range o.AuthorizationPolicies {
		all = append(all, x.Spec)
	}
	return all
}

// setFields returns the paths of all set fields, in the form of fields.Kind.
func setFields(spec proto.Message) (set []string) {
	fields.Walk(spec.ProtoReflect(), "", "", func(field, _ string) bool {
		set = append(set, field)
		return true
	})
	slices.Sort(set)
	return slices.Compact(set)
}

// clearField clears a field wherever it is set.
func clearField(m protoreflect.Message, path []string) {
	d := m.Descriptor().Fields().ByJSONName(path[0])
	switch {
	case d == nil || !m.Has(d):
	case len(path) == 1:
		m.Clear(d)
	case d.IsMap():
		m.Get(d).Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
			clearField(v.Message(), path[1:])
			return true
		})
	case d.IsList():
		for i := range m.Get(d).List().Len() {
			clearField(m.Get(d).List().Get(i).Message(), path[1:])
		}
	default:
		clearField(m.Get(d).Message(), path[1:])
	}
}

// tableText returns a text form of all that a table decides by: views, policies, and the results of its functions for some paths. For a
// rejected overlay it returns the error text.
func tableText(t *testing.T, o *overlay.Overlay) string {
	t.Helper()
	table, err := Compile(o)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	writeValue(&b, reflect.ValueOf(table.views), map[uintptr]bool{})
	writeValue(&b, reflect.ValueOf(table.policies), map[uintptr]bool{})
	for _, at := range slices.SortedFunc(keysOf(table.views), func(a, b place) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }) {
		for _, v := range table.views[at] {
			for _, port := range v.gatewayPorts() {
				for _, h := range v.ports[port].hosts() {
					for i := range h.rules {
						writeFunctions(&b, h.rules[i].route)
					}
				}
			}
		}
	}
	return b.String()
}

func keysOf(m map[place][]*view) func(func(place) bool) {
	return func(yield func(place) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// writeFunctions writes the results of a route's functions for some paths.
func writeFunctions(b *strings.Builder, r *Route) {
	for _, path := range []string{"/", "/old/a", "/old/a?q=1", "/a/b"} {
		if r.Rewrite != nil && r.Rewrite.URI != nil {
			fmt.Fprintln(b, r.Object, r.Place, r.Rewrite.URI(path))
		}
		if r.Redirect != nil {
			fmt.Fprintln(b, r.Object, r.Place, r.Redirect.Location(&Request{Authority: "asked.test:80", Path: path, Scheme: "http"}))
		}
	}
}

// writeValue writes a value and everything reachable from it. For a function it writes only whether there is one.
func writeValue(b *strings.Builder, v reflect.Value, seen map[uintptr]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if c := v.Type().Elem(); !v.IsNil() && c == reflect.TypeFor[Cluster]() {
			fmt.Fprint(b, v.Elem().FieldByName("Name"))
		}
		if v.IsNil() || seen[v.Pointer()] || strings.Contains(v.Type().Elem().PkgPath(), "istio.io/api") {
			return
		}
		if v.Type().Elem().PkgPath() == "regexp" {
			return // the text of the expression is in the same struct
		}
		seen[v.Pointer()] = true
		writeValue(b, v.Elem(), seen)
	case reflect.Struct:
		fmt.Fprint(b, v.Type().Name(), "{")
		for i := range v.NumField() {
			fmt.Fprint(b, v.Type().Field(i).Name, ":")
			writeValue(b, v.Field(i), seen)
		}
		fmt.Fprint(b, "}")
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			writeValue(b, v.Index(i), seen)
			fmt.Fprint(b, ",")
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		for _, k := range keys {
			fmt.Fprint(b, k, "=>")
			writeValue(b, v.MapIndex(k), seen)
		}
	case reflect.Func:
		fmt.Fprint(b, !v.IsNil())
	default:
		fmt.Fprint(b, v)
	}
}
