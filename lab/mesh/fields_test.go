package mesh

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/mesh/fields"
	"github.com/hopline/hopline/lab/overlay"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"
)

// kinds returns the messages for the names in fields.All.
func kinds() map[string]proto.Message {
	return map[string]proto.Message{"VirtualService": &networking.VirtualService{}, "DestinationRule": &networking.DestinationRule{},
		"Gateway": &networking.Gateway{}, "ServiceEntry": &networking.ServiceEntry{}, "Sidecar": &networking.Sidecar{},
		"AuthorizationPolicy": &security.AuthorizationPolicy{}}
}

// withObject returns an overlay with one object of a kind.
func withObject(kind string, spec proto.Message) *overlay.Overlay {
	o, meta := &overlay.Overlay{}, overlay.Meta{Kind: kind, Namespace: "one", Name: "x"}
	switch s := spec.(type) {
	case *networking.VirtualService:
		o.VirtualServices = []overlay.Istio[*networking.VirtualService]{{Meta: meta, Spec: s}}
	case *networking.DestinationRule:
		o.DestinationRules = []overlay.Istio[*networking.DestinationRule]{{Meta: meta, Spec: s}}
	case *networking.Gateway:
		o.Gateways = []overlay.Istio[*networking.Gateway]{{Meta: meta, Spec: s}}
	case *networking.ServiceEntry:
		o.ServiceEntries = []overlay.Istio[*networking.ServiceEntry]{{Meta: meta, Spec: s}}
	case *networking.Sidecar:
		o.Sidecars = []overlay.Istio[*networking.Sidecar]{{Meta: meta, Spec: s}}
	case *security.AuthorizationPolicy:
		o.AuthorizationPolicies = []overlay.Istio[*security.AuthorizationPolicy]{{Meta: meta, Spec: s}}
	}
	return o
}

// fill sets one field of a message to a value other than its default, and passes the message below it to below.
func fill(m protoreflect.Message, d protoreflect.FieldDescriptor, below func(protoreflect.Message)) {
	switch {
	case d.IsMap():
		v := scalar(d.MapValue())
		if d.MapValue().Message() != nil {
			v = m.Mutable(d).Map().NewValue()
			below(v.Message())
		}
		m.Mutable(d).Map().Set(protoreflect.ValueOfString("key").MapKey(), v)
	case d.IsList() && d.Message() != nil:
		v := m.Mutable(d).List().AppendMutable()
		below(v.Message())
	case d.IsList():
		m.Mutable(d).List().Append(scalar(d))
	case d.Message() != nil:
		below(m.Mutable(d).Message())
	default:
		m.Set(d, scalar(d))
	}
}

func scalar(d protoreflect.FieldDescriptor) protoreflect.Value {
	switch d.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(1)
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(1)
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(1)
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(1)
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(1)
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte("x"))
	}
	return protoreflect.ValueOfString("x")
}

// paths lists all fields of a message and below. It leaves out the fields of well-known types.
func paths(d protoreflect.MessageDescriptor, prefix string, visit func(path string, chain []protoreflect.FieldDescriptor), chain []protoreflect.FieldDescriptor) {
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		path, longer := strings.TrimPrefix(prefix+"."+f.JSONName(), "."), append(slices.Clone(chain), f)
		visit(path, longer)
		sub := f.Message()
		if f.IsMap() {
			sub = f.MapValue().Message()
		}
		if sub != nil && !strings.HasPrefix(string(sub.FullName()), "google.protobuf.") {
			paths(sub, path, visit, longer)
		}
	}
}

// Every field of Istio is either on a list and accepted, or on no list and rejected by its name.
func TestEveryFieldIsKnownOrRefused(t *testing.T) {
	t.Parallel()
	for _, k := range fields.All() {
		listed := map[string]bool{}
		for _, f := range slices.Concat(k.Enforced, k.Accepted) {
			if listed[f] {
				t.Errorf("%s: %s is listed twice", k.Name, f)
			}
			listed[f] = true
		}
		for f := range k.Values {
			if !listed[f] {
				t.Errorf("%s: %s has a note on its values and is on no list", k.Name, f)
			}
		}
		seen := map[string]bool{}
		prototype := kinds()[k.Name]
		paths(prototype.ProtoReflect().Descriptor(), "", func(path string, chain []protoreflect.FieldDescriptor) {
			seen[path] = true
			spec := prototype.ProtoReflect().New()
			var set func(m protoreflect.Message, chain []protoreflect.FieldDescriptor)
			set = func(m protoreflect.Message, chain []protoreflect.FieldDescriptor) {
				if len(chain) > 0 {
					fill(m, chain[0], func(sub protoreflect.Message) { set(sub, chain[1:]) })
				}
			}
			set(spec, chain)
			_, err := Compile(withObject(k.Name, spec.Interface()))
			if !listed[path] && (err == nil || !strings.Contains(err.Error(), "not supported by the lab")) {
				t.Errorf("%s: %s is on no list, and not refused: %v", k.Name, path, err)
			}
			if listed[path] && err != nil && strings.HasSuffix(err.Error(), ": not supported by the lab") {
				t.Errorf("%s: %s is listed, and refused: %v", k.Name, path, err)
			}
		}, nil)
		for _, f := range slices.Sorted(maps.Keys(listed)) {
			if !seen[f] {
				t.Errorf("%s: %s is listed, and Istio has no such field", k.Name, f)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	object := func(kind, spec string) string {
		return fmt.Sprintf("apiVersion: networking.istio.io/v1\nkind: %s\nmetadata: {namespace: one, name: x}\nspec: %s", kind, spec)
	}
	service := "apiVersion: v1\nkind: Service\nmetadata: {namespace: one, name: a}\nspec: {selector: {app: a}, ports: [{port: 80}]}\n---\n"
	to := "route: [{destination: {host: a}}]"
	for text, want := range map[string]string{
		object("VirtualService", "{hosts: [a], tcp: [{}], tls: [{}], http: [{"+to+"}]}"):                                                                       "VirtualService one/x: spec.tcp: not supported by the lab\nVirtualService one/x: spec.tls: not supported by the lab",
		object("VirtualService", "{hosts: [a], http: [{"+to+", corsPolicy: {allowOrigins: [{exact: a}, {regex: \"(\"}]}}]}"):                                   "VirtualService one/x: spec.http[0]: corsPolicy.allowOrigins[1]: want an RE2 expression, got \"(\": error parsing regexp: missing closing ): `(`",
		object("VirtualService", "{hosts: [a], http: [{match: [{}, {uri: {regex: \"(\"}}], "+to+"}, {match: [{uri: {regex: \"(\"}}], "+to+"}]}"):               "VirtualService one/x: spec.http[0]: match[1]: uri: want an RE2 expression, got \"(\": error parsing regexp: missing closing ): `(`\nVirtualService one/x: spec.http[1]: match[0]: uri: want an RE2 expression, got \"(\": error parsing regexp: missing closing ): `(`",
		object("VirtualService", "{hosts: [a], http: [{match: [{headers: {\"@request.auth.claims.x\": {exact: a}}}], "+to+"}]}"):                               "VirtualService one/x: spec.http[0].match[0].headers.@request.auth.claims.x: claims of tokens are not supported by the lab",
		object("VirtualService", "{hosts: [a], http: [{headers: {request: {set: {x-a: \"%REQ(x)%\"}}}, "+to+"}]}"):                                             "VirtualService one/x: spec.http[0]: headers.request.set: x-a: a command between percent signs, \"%REQ(x)%\", is not supported by the lab: want %% for a percent sign",
		object("VirtualService", "{hosts: [a], http: [{retries: {attempts: 1, retryOn: \"5xx,often\"}, "+to+"}]}"):                                             "VirtualService one/x: spec.http[0]: retries.retryOn: want conditions of Envoy's or status codes, got \"often\"",
		object("VirtualService", "{hosts: [a], http: [{redirect: {uri: /, redirectCode: 305}}]}"):                                                              "VirtualService one/x: spec.http[0]: redirect.redirectCode: 305 is not supported by the lab: want 301, 302, 303, 307 or 308",
		object("VirtualService", "{hosts: [a], http: [{rewrite: {uriRegexRewrite: {match: \"(a)\", rewrite: '\\2'}}, "+to+"}]}"):                               "VirtualService one/x: spec.http[0]: rewrite.uriRegexRewrite.rewrite: want at most \\1, which the match has groups for, got \"\\\\2\"",
		object("VirtualService", "{hosts: [a], http: [{rewrite: {uriRegexRewrite: {match: \"a\", rewrite: '\\x'}}, "+to+"}]}"):                                 "VirtualService one/x: spec.http[0]: rewrite.uriRegexRewrite.rewrite: want a digit or a backslash after each backslash, got \"\\\\x\"",
		object("VirtualService", "{hosts: [a], http: [{route: [{destination: {host: a}}, {destination: {host: a}}]}]}"):                                        "VirtualService one/x: spec.http[0]: want a redirect, a directResponse, or a route to at least one destination with a weight",
		object("DestinationRule", "{host: a, trafficPolicy: {loadBalancer: {simple: PASSTHROUGH}}}"):                                                           "DestinationRule one/x: spec.trafficPolicy.loadBalancer.simple: PASSTHROUGH is not supported by the lab: want LEAST_REQUEST, ROUND_ROBIN or RANDOM",
		object("DestinationRule", "{host: a, subsets: [{name: b, trafficPolicy: {tls: {mode: SIMPLE}}}]}"):                                                     "DestinationRule one/x: spec.subsets[0].trafficPolicy.tls.mode: SIMPLE is not supported by the lab: want DISABLE, or ISTIO_MUTUAL, which is accepted and not enforced",
		object("DestinationRule", "{host: a, trafficPolicy: {portLevelSettings: [{port: {number: 80}, connectionPool: {http: {h2UpgradePolicy: UPGRADE}}}]}}"): "DestinationRule one/x: spec.trafficPolicy.portLevelSettings[0].connectionPool.http.h2UpgradePolicy: UPGRADE is not supported by the lab: want DEFAULT or DO_NOT_UPGRADE",
		object("DestinationRule", "{host: a, trafficPolicy: {loadBalancer: {warmup: {duration: 1s}}}}"):                                                        "DestinationRule one/x: spec.trafficPolicy.loadBalancer.warmup: not supported by the lab",
		object("Gateway", "{servers: [{hosts: [a], port: {number: 80, protocol: TCP, name: a}}]}"):                                                             "Gateway one/x: spec.servers[0].port.protocol: TCP is not supported by the lab: want HTTP, HTTPS or TLS",
		object("ServiceEntry", "{hosts: [a.ext], resolution: DYNAMIC_DNS, ports: [{number: 80, protocol: HTTP, name: a}]}"):                                    "ServiceEntry one/x: spec.resolution: DYNAMIC_DNS is not supported by the lab: want STATIC, DNS, DNS_ROUND_ROBIN or NONE",
		object("ServiceEntry", "{hosts: [a.ext], addresses: [10.0.0.0/8], ports: [{number: 80, protocol: TLS, name: a}]}"):                                     "ServiceEntry one/x: spec.addresses[0]: a range, \"10.0.0.0/8\", is not supported by the lab: want an address",
		object("ServiceEntry", "{hosts: [a.ext], resolution: STATIC, endpoints: [{address: \"unix:///s\"}]}"):                                                  "ServiceEntry one/x: spec.endpoints[0].address: a socket, \"unix:///s\", is not supported by the lab: want an address or a name",
		object("ServiceEntry", "{hosts: [a.ext], resolution: DNS, endpoints: [{address: a.one.svc.cluster.local}, {address: b.test}]}"):                        "ServiceEntry one/x: spec.endpoints[0].address: a Service, a.one.svc.cluster.local, beside other endpoints is not supported by the lab",
		object("ServiceEntry", "{hosts: [a.one.svc.cluster.local], resolution: DNS}"):                                                                          "ServiceEntry one/x: spec.hosts: a.one.svc.cluster.local, which Service one/a has in this namespace, too, is not supported by the lab",
	} {
		if got := refused(t, service+text); got != want {
			t.Errorf("%s\ngot\n%s\nwant\n%s", text, got, want)
		}
	}
}
