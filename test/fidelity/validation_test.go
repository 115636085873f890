package fidelity

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"
	"sigs.k8s.io/yaml"

	"github.com/hopline/hopline/lab/mesh/fields"
	"github.com/hopline/hopline/lab/overlay"
)

// TestValidation changes valid objects of every kind of Istio's that the lab accepts, in one or two places, to values at the limits. What
// Istio's own validation rejects, the lab must reject.
func TestValidation(t *testing.T) {
	e := newReader(t, "svc0")
	mutants := max(*pairs/4, 500)
	t.Logf("seed %d, %d objects", *seed, mutants)
	m := newMutator(*seed)
	for _, k := range overlay.Fields() {
		if strings.Contains(k.APIVersions[0], "istio.io") && !slices.ContainsFunc(soundObjects(), func(s sound) bool { return s.kind == k.Kind }) {
			t.Errorf("the lab accepts a %s, and none is changed here", k.Kind)
		}
	}
	refused, accepted := 0, 0
	for range mutants {
		s := soundObjects()[m.random.IntN(len(soundObjects()))]
		doc := m.object(s)
		configs, err := parseRules([]string{doc})
		if err == nil {
			err = validate(configs)
		}
		_, labErr := e.load([]string{gateway, subsets("mirror"), doc})
		switch {
		case err != nil && labErr == nil:
			t.Errorf("Istio refuses what the lab accepts: %v\n%s", err, doc)
		case err != nil:
			refused++
		case labErr == nil:
			accepted++
		default:
			m.listed(t, s.kind, labErr, doc)
		}
	}
	t.Logf("%d refused by both, %d accepted by both, %d refused only by the lab", refused, accepted, mutants-refused-accepted)
	if refused < mutants/5 || accepted < mutants/10 {
		t.Error("too few of a kind for the comparison to mean anything")
	}
}

// listed checks that docs/lab.md documents what only the lab rejects: either a field with a list of accepted values there, or a reference
// to an object that does not exist.
func (m *mutator) listed(t *testing.T, kind string, err error, doc string) {
	t.Helper()
	var report *overlay.Report
	if !errors.As(err, &report) {
		t.Errorf("%v\n%s", err, doc)
		return
	}
	for _, p := range report.Problems {
		where := strings.TrimPrefix(index.ReplaceAllString(p.Path, ""), "spec.") + "." + p.Reason // the reason may continue the path
		noted := false
		for field := range m.values[kind] {
			noted = noted || strings.HasPrefix(where, field)
		}
		if strings.Contains(p.Reason, "not supported by the lab") && !noted {
			t.Errorf("only the lab refuses this, and docs/lab.md does not list the accepted values: %v\n%s", p, doc)
		}
	}
}

var index = regexp.MustCompile(`\[\d+\]`)

// newReader returns a lab that reads rules and serves nothing. Of the standard world it has only what rules for one Service refer to:
// rendering everything would take most of the time.
func newReader(t *testing.T, service string) *lab {
	t.Helper()
	var kept []string
	for _, doc := range documents(standardWorld()) {
		ours := strings.Contains(doc, "namespace: app") && (strings.Contains(doc, service) || strings.Contains(doc, "mirror"))
		if ours || strings.Contains(doc, "kind: Namespace") {
			kept = append(kept, doc)
		}
	}
	w, err := parse("---\n" + strings.Join(kept, "\n---\n"))
	if err != nil {
		t.Fatal(err)
	}
	return &lab{w: w, dir: t.TempDir()}
}

// sound is an object that both engines accept.
type sound struct {
	kind, apiVersion string
	message          proto.Message
	spec             string
}

func soundObjects() []sound {
	const net, sec = "networking.istio.io/v1", "security.istio.io/v1"
	return []sound{
		{"VirtualService", net, new(networking.VirtualService), `{hosts: [svc0], http: [{match: [{uri: {prefix: /}}],
			route: [{destination: {host: svc0, port: {number: 80}}, weight: 1}, {destination: {host: mirror, subset: v1}, weight: 2}], retries: {attempts: 2}, timeout: 1s}]}`},
		{"VirtualService", net, new(networking.VirtualService), `{hosts: ["*.example.test"], gateways: [gateway], http: [{redirect: {uri: /x}}, {directResponse: {status: 200}},
			{route: [{destination: {host: svc0}}], mirror: {host: mirror}, rewrite: {uri: /}, fault: {delay: {fixedDelay: 1s}, abort: {httpStatus: 503}}, headers: {request: {set: {a: b}}}}]}`},
		{"DestinationRule", net, new(networking.DestinationRule), `{host: svc0, trafficPolicy: {loadBalancer: {consistentHash: {httpHeaderName: x}}, outlierDetection: {interval: 1s},
			connectionPool: {http: {http1MaxPendingRequests: 1}, tcp: {maxConnections: 1}}, portLevelSettings: [{port: {number: 80}, loadBalancer: {simple: RANDOM}}]},
			subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}`},
		{"Gateway", net, new(networking.Gateway), `{selector: {istio: ingressgateway}, servers: [{hosts: ["*"], port: {name: http, number: 80, protocol: HTTP}}]}`},
		{"Gateway", net, new(networking.Gateway), `{selector: {istio: egressgateway}, servers: [{hosts: ["*.example.test"], port: {name: https, number: 443, protocol: HTTPS}, tls: {mode: ISTIO_MUTUAL}}]}`},
		{"ServiceEntry", net, new(networking.ServiceEntry), `{hosts: [a.test], resolution: DNS, location: MESH_EXTERNAL, ports: [{name: http, number: 80, protocol: HTTP}], endpoints: [{address: far.test}]}`},
		{"ServiceEntry", net, new(networking.ServiceEntry), `{hosts: [a.test, b.test], resolution: STATIC, addresses: [10.0.0.1], ports: [{name: http, number: 80, protocol: HTTP}], endpoints: [{address: 10.0.0.1, ports: {http: 81}}]}`},
		{"ServiceEntry", net, new(networking.ServiceEntry), `{hosts: [a.test], ports: [{name: http, number: 80, protocol: HTTP}]}`},
		{"Sidecar", net, new(networking.Sidecar), `{egress: [{hosts: ["./*", "istio-system/*"]}]}`},
		{"PeerAuthentication", sec, new(security.PeerAuthentication), `{selector: {matchLabels: {app: svc0}}, mtls: {mode: STRICT}, portLevelMtls: {"8080": {mode: PERMISSIVE}}}`},
		{"AuthorizationPolicy", sec, new(security.AuthorizationPolicy), `{selector: {matchLabels: {app: svc0}}, action: DENY,
			rules: [{from: [{source: {principals: [a]}}], to: [{operation: {methods: [GET], paths: [/x], ports: ["80"]}}]}]}`},
	}
}

// edgeTexts returns values at the limits of what validation checks.
func edgeTexts() []string {
	return []string{"", "a", "svc0", "mirror", "svc0.app.svc.cluster.local", "*", "*.example.test", "*a.example.test", "a*.example.test", "a_b", "-a", "A.b", "a.1", "a.b.",
		"a b", "1.2.3.4", "10.0.0.0/8", "10.0.0.0/99", "mesh", "gateway", "app/gateway", "a/b/c", "v1", "/", "/x", "/{*}", "/{**}/{*}", "(", "a.*",
		"5xx,reset", "5xx, x", "503", "999", "http", "https", "HTTP", "TCP", "tls", ".", "~", "100%", "%A%", "%A(x)%", "Host", ":path", ":authority", "x-a",
		"cluster.local/ns/app/sa/default", "8080", "99999", "./*", "~/*", "*/*", "./svc0.app.svc.cluster.local",
		strings.Repeat("a", 64), strings.Repeat("a.", 150) + "b", strings.Repeat("x", 1025)}
}

func edgeNumbers() []int64 {
	return []int64{0, 1, -1, 80, 100, 101, 199, 200, 302, 399, 400, 503, 600, 601, 65535, 65536, 65537, 5000009, 5000011, 1<<31 - 1}
}

func edgeFractions() []float64 { return []float64{0, 0.00005, 0.0001, 0.5, 50, 100, 100.1, -1} }

func edgeDurations() []string { return []string{"0s", "1ms", "1500us", "1s", "-1s", "1m", "100ms"} }

// mutator changes objects within the fields that the lab accepts: it rejects the others anyway. For kinds without a list, these are all
// fields.
type mutator struct {
	random *rand.Rand
	fields map[string]map[string]bool
	values map[string]map[string]string // of fields that do not accept all values
}

func newMutator(seed uint64) *mutator {
	m := &mutator{random: rand.New(rand.NewPCG(seed, 2)), fields: map[string]map[string]bool{}, values: map[string]map[string]string{}}
	for _, k := range fields.All() {
		m.fields[k.Name], m.values[k.Name] = map[string]bool{}, k.Values
		for _, f := range slices.Concat(k.Enforced, k.Accepted) {
			m.fields[k.Name][f] = true
		}
	}
	return m
}

func (m *mutator) accepts(kind, path string) bool {
	fields, listed := m.fields[kind]
	return !listed || fields[path]
}

func one[T any](m *mutator, of []T) T { return of[m.random.IntN(len(of))] }

// object returns a valid object with one or two changes, as JSON, which is YAML.
func (m *mutator) object(s sound) string {
	var spec map[string]any
	if err := yaml.Unmarshal([]byte(strings.ReplaceAll(s.spec, "\t", " ")), &spec); err != nil {
		panic(err) // a bug in soundObjects
	}
	for range 1 + m.random.IntN(2) {
		m.change(spec, s.message.ProtoReflect().Descriptor(), s.kind, "")
	}
	doc, err := json.Marshal(map[string]any{"apiVersion": s.apiVersion, "kind": s.kind, "metadata": map[string]any{"name": "changed", "namespace": "app"}, "spec": spec})
	if err != nil {
		panic(err) // only maps, lists, strings and numbers
	}
	return string(doc)
}

// change removes, adds or replaces one field somewhere in a message.
func (m *mutator) change(message map[string]any, d protoreflect.MessageDescriptor, kind, path string) {
	var fields []protoreflect.FieldDescriptor
	for i := range d.Fields().Len() {
		if f := d.Fields().Get(i); m.accepts(kind, below(path, f)) {
			fields = append(fields, f)
		}
	}
	if len(fields) == 0 {
		return
	}
	f := one(m, fields)
	name, at := f.JSONName(), below(path, f)
	if f.Message() != nil && !f.IsMap() && m.random.IntN(4) > 0 {
		inner, _ := message[name].(map[string]any)
		if list, ok := message[name].([]any); ok && len(list) > 0 {
			inner, _ = one(m, list).(map[string]any)
		}
		if inner != nil {
			m.change(inner, f.Message(), kind, at)
			return
		}
	}
	switch list, isList := message[name].([]any); {
	case m.random.IntN(6) == 0:
		delete(message, name)
	case isList && m.random.IntN(3) == 0:
		message[name] = append(list, m.single(f, kind, at, 2))
	default:
		message[name] = m.value(f, kind, at, 2)
	}
}

func below(path string, f protoreflect.FieldDescriptor) string {
	return strings.TrimPrefix(path+"."+f.JSONName(), ".")
}

// value returns a value for a field, nested at most depth messages deep.
func (m *mutator) value(f protoreflect.FieldDescriptor, kind, path string, depth int) any {
	switch {
	case f.IsMap():
		out := map[string]any{}
		for range m.random.IntN(3) {
			key := one(m, edgeTexts())
			if f.MapKey().Kind() != protoreflect.StringKind {
				key = strconv.FormatInt(one(m, edgeNumbers()), 10)
			}
			out[key] = m.single(f.MapValue(), kind, path, depth)
		}
		return out
	case f.IsList():
		out := []any{}
		for range m.random.IntN(3) {
			out = append(out, m.single(f, kind, path, depth))
		}
		return out
	}
	return m.single(f, kind, path, depth)
}

func (m *mutator) single(f protoreflect.FieldDescriptor, kind, path string, depth int) any {
	switch f.Kind() {
	case protoreflect.MessageKind:
		return m.message(f.Message(), kind, path, depth)
	case protoreflect.EnumKind:
		return string(f.Enum().Values().Get(m.random.IntN(f.Enum().Values().Len())).Name())
	case protoreflect.BoolKind:
		return m.random.IntN(2) == 0
	case protoreflect.StringKind, protoreflect.BytesKind:
		return one(m, edgeTexts())
	case protoreflect.DoubleKind, protoreflect.FloatKind:
		return one(m, edgeFractions())
	}
	return one(m, edgeNumbers())
}

func (m *mutator) message(d protoreflect.MessageDescriptor, kind, path string, depth int) any {
	switch d.FullName() {
	case "google.protobuf.Duration":
		return one(m, edgeDurations())
	case "google.protobuf.BoolValue":
		return m.random.IntN(2) == 0
	case "google.protobuf.DoubleValue":
		return one(m, edgeFractions())
	case "google.protobuf.UInt32Value", "google.protobuf.Int32Value", "google.protobuf.UInt64Value":
		return one(m, edgeNumbers())
	}
	out := map[string]any{}
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		if at := below(path, f); depth > 0 && m.accepts(kind, at) && m.random.IntN(3) == 0 {
			out[f.JSONName()] = m.value(f, kind, at, depth-1)
		}
	}
	return out
}
