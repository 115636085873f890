package overlay

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	"github.com/hopline/hopline/lab/internal/nearest"
	"github.com/hopline/hopline/lab/overlay/validate"
	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"
)

// kind describes one kind of object that the lab supports.
type kind struct {
	name        string
	apiVersions []string
	clusterWide bool
	status      status                     // enforced or accepted
	manifest    any                        // a pointer to a struct with field tags; for Istio's kinds an objectManifest
	spec        func() proto.Message       // for Istio's kinds
	add         func(*decoding, Meta, any) // adds the decoded manifest or specification to the overlay
	exact       bool                       // Read, too, reports unknown fields
}

// routes reports whether objects of the kind affect requests: those of Istio and of the Gateway API that the lab enforces.
func (k *kind) routes() bool { return k.status == enforced && (k.spec != nil || k.exact) }

// kinds returns all kinds that the lab accepts. Any other kind is refused by name.
func kinds() []kind {
	networkingVersions := []string{"networking.istio.io/v1", "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3"}
	securityVersions := []string{"security.istio.io/v1", "security.istio.io/v1beta1"}
	gatewayVersions := []string{GatewayAPI + "/v1", GatewayAPI + "/v1beta1"}
	return []kind{
		{name: "Namespace", apiVersions: []string{"v1"}, clusterWide: true, manifest: &objectManifest{}, add: addNamespace},
		{name: "ServiceAccount", apiVersions: []string{"v1"}, manifest: &serviceAccountManifest{}, add: addServiceAccount},
		{name: "ConfigMap", apiVersions: []string{"v1"}, manifest: &configMapManifest{}, add: addConfigMap},
		{name: "Secret", apiVersions: []string{"v1"}, manifest: &secretManifest{}, add: addSecret},
		{name: "Service", apiVersions: []string{"v1"}, manifest: &serviceManifest{}, add: addService},
		{name: "Deployment", apiVersions: []string{"apps/v1"}, manifest: &deploymentManifest{}, add: addDeployment},

		istioKind("VirtualService", networkingVersions, validate.VirtualService, func(o *Overlay) *[]Istio[*networking.VirtualService] { return &o.VirtualServices }),
		istioKind("DestinationRule", networkingVersions, validate.DestinationRule, func(o *Overlay) *[]Istio[*networking.DestinationRule] { return &o.DestinationRules }),
		istioKind("Gateway", networkingVersions, validate.Gateway, func(o *Overlay) *[]Istio[*networking.Gateway] { return &o.Gateways }),
		istioKind("ServiceEntry", networkingVersions, validate.ServiceEntry, func(o *Overlay) *[]Istio[*networking.ServiceEntry] { return &o.ServiceEntries }),
		istioKind("AuthorizationPolicy", securityVersions, validate.AuthorizationPolicy, func(o *Overlay) *[]Istio[*security.AuthorizationPolicy] { return &o.AuthorizationPolicies }),
		istioKind("Sidecar", networkingVersions, validate.Sidecar, func(o *Overlay) *[]Istio[*networking.Sidecar] { return &o.Sidecars }),

		{name: "Gateway", apiVersions: gatewayVersions, manifest: &kubernetesGatewayManifest{}, add: addKubernetesGateway, exact: true},
		{name: "HTTPRoute", apiVersions: gatewayVersions, manifest: &httpRouteManifest{}, add: addHTTPRoute, exact: true},
		{name: "ReferenceGrant", apiVersions: gatewayVersions, manifest: &referenceGrantManifest{}, add: addReferenceGrant, exact: true},

		{name: "PeerAuthentication", apiVersions: securityVersions, status: accepted, manifest: &objectManifest{},
			spec: func() proto.Message { return new(security.PeerAuthentication) }, add: addPeerAuthentication},
		{name: "NetworkPolicy", apiVersions: []string{"networking.k8s.io/v1"}, status: accepted, manifest: &networkPolicyManifest{}, add: addNotEnforced},
		{name: "PodDisruptionBudget", apiVersions: []string{"policy/v1"}, status: accepted, manifest: &disruptionBudgetManifest{}, add: addNotEnforced},
	}
}

// istioKind returns an enforced kind of Istio, with its check and the overlay's list for its objects.
func istioKind[T any, P interface {
	*T
	proto.Message
}](name string, versions []string, check func(validate.Report, validate.Object, P), list func(*Overlay) *[]Istio[P]) kind {
	return kind{
		name: name, apiVersions: versions, manifest: &objectManifest{},
		spec: func() proto.Message { return P(new(T)) },
		add: func(d *decoding, m Meta, spec any) {
			at := problems{report: d.report, object: m.String()}
			validate.Annotations(at.add, m.Annotations)
			check(at.add, validate.Object{Namespace: m.Namespace, Name: m.Name}, spec.(P))
			l := list(d.overlay)
			*l = append(*l, Istio[P]{Meta: m, Spec: spec.(P)})
		},
	}
}

func addPeerAuthentication(d *decoding, m Meta, spec any) {
	at := problems{report: d.report, object: m.String()}
	validate.Annotations(at.add, m.Annotations)
	validate.PeerAuthentication(at.add, spec.(*security.PeerAuthentication))
	addNotEnforced(d, m, spec)
}

func addNotEnforced(d *decoding, m Meta, _ any) {
	d.overlay.NotEnforced = append(d.overlay.NotEnforced, m)
}

// metaOf returns the identity of an object in a JSON value.
func metaOf(object map[string]any) (m Meta) {
	m.APIVersion, _ = object["apiVersion"].(string)
	m.Kind, _ = object["kind"].(string)
	if metadata, ok := object["metadata"].(map[string]any); ok {
		m.Name, _ = metadata["name"].(string)
		m.Namespace, _ = metadata["namespace"].(string)
	}
	return m
}

// object decodes one rendered object.
func (d *decoding) object(from map[string]any) {
	m := metaOf(from)
	k, reason := findKind(m.APIVersion, m.Kind)
	if reason != "" {
		d.report.Add(m.String(), "", "%s", reason)
		d.doubt("", from)
		return
	}
	if k.clusterWide {
		if m.Namespace != "" {
			d.report.Add(k.name+" "+m.Name, "metadata.namespace", "a %s has no namespace, got %s", k.name, fieldpath.Quote(m.Namespace))
			m.Namespace = ""
		}
	} else if m.Namespace == "" {
		m.Namespace = "default" // as kubectl does
	}
	if _, twice := d.seen[m.String()]; twice {
		d.twice(m)
		return
	}
	d.seen[m.String()] = struct{}{}
	d.decodeAs(k, m, from)
}

// decodeAs decodes an object of a kind and adds it to the overlay.
func (d *decoding) decodeAs(k kind, m Meta, from map[string]any) {
	found := &Report{}
	s := &strict{report: found, object: m.String(), unenforced: d.unenforced, kind: k.name, left: d.left, exact: k.exact}
	manifest := reflect.New(reflect.TypeOf(k.manifest).Elem())
	var decoded any = manifest.Interface()
	if k.spec != nil {
		decoded = s.decodeIstio(from["spec"], k.spec())
		withoutSpec := maps.Clone(from)
		delete(withoutSpec, "spec")
		s.decode("", withoutSpec, manifest.Elem())
	} else {
		s.decode("", from, manifest.Elem())
	}
	meta := manifest.Elem().FieldByName("Metadata").Interface().(metadata)
	m.Labels, m.Annotations = meta.Labels, meta.Annotations
	d.add(k, m, decoded, s.holes, found)
	if len(found.Problems) > 0 {
		d.doubt(k.name, from)
	}
}

// add checks an object and adds it to the valid objects, or to the broken ones if it has a problem. Problems of fields that could not be
// read are not reported, because a partly read object would give false problems.
func (d *decoding) add(k kind, m Meta, decoded any, h holes, found *Report) {
	one := &decoding{overlay: new(Overlay), report: new(Report), unenforced: d.unenforced, data: d.data, doubts: d.doubts}
	k.add(one, m, decoded)
	checkMetadata(one.report, m)
	for _, p := range one.report.Problems {
		switch {
		case h.touch(p.Path):
		case d.left != nil && p.IsLimit():
			d.limits = append(d.limits, p)
		default:
			found.Problems = append(found.Problems, p)
		}
	}
	d.data = slices.Concat(d.data, one.overlay.ConfigMaps, one.overlay.Secrets)
	if len(found.Problems) == 0 {
		d.overlay.append(one.overlay)
		return
	}
	d.report.Problems = append(d.report.Problems, found.Problems...)
	if d.overlay.broken == nil {
		d.overlay.broken = &Overlay{holes: map[string]holes{}}
	}
	d.overlay.broken.append(one.overlay)
	d.overlay.broken.holes[m.String()] = h
	for _, p := range found.Problems {
		d.overlay.broken.holes[m.String()] = append(d.overlay.broken.holes[m.String()], p.Path)
	}
}

// doubt records an object that could not be read completely.
func (d *decoding) doubt(kind string, parts ...any) {
	encoded, err := json.Marshal(parts)
	d.doubts = append(d.doubts, doubt{kind: kind, text: string(encoded), everything: err != nil})
}

// twice reports a duplicate object, with another version of its API: two objects for kustomize, one for Kubernetes.
func (d *decoding) twice(m Meta) {
	places := d.report.places.all(m.String())
	p := Problem{Object: m.String(), Reason: "appears twice"}
	if len(places) > 1 {
		p.File, p.Line = places[1].file, places[1].line
		p.Reason += ": in " + places[0].String() + " as well"
	}
	d.report.Problems = append(d.report.Problems, p)
}

// findKind returns the kind for an apiVersion and name, or why there is none.
func findKind(apiVersion, name string) (kind, string) {
	var names []string
	var named []kind // two APIs may have a kind of the name
	for _, k := range kinds() {
		names = append(names, k.name)
		if k.name != name {
			continue
		}
		if slices.Contains(k.apiVersions, apiVersion) {
			return k, ""
		}
		named = append(named, k)
	}
	if i := slices.IndexFunc(named, func(k kind) bool { return !ofAnother(apiVersion, k) }); i >= 0 {
		return named[i], fmt.Sprintf("apiVersion %s is not supported by the lab: want %s", fieldpath.Quote(apiVersion), strings.Join(named[i].apiVersions, " or "))
	}
	what := foreign(apiVersion, name)
	switch nearest := nearest.Name(name, names); {
	case what != "":
		return kind{}, what
	case named != nil:
		return kind{}, fmt.Sprintf("kind %s (%s) is not supported by the lab: it is of another API", name, apiVersion)
	case nearest != "":
		return kind{}, fmt.Sprintf("kind %s (%s) is unknown; did you mean %s?", name, apiVersion, nearest)
	}
	return kind{}, fmt.Sprintf("kind %s (%s) is not supported by the lab", name, apiVersion)
}

// ofAnother reports whether an apiVersion belongs to another API, and is not a misspelt or outdated version of the kind's own.
func ofAnother(apiVersion string, k kind) bool {
	given, own := group(apiVersion), group(k.apiVersions[0])
	return given != own && (foreign(apiVersion, k.name) != "" || strings.Contains(given, ".") && nearest.Name(given, []string{own}) == "")
}

// metadata lists the metadata fields that the lab supports.
type metadata struct {
	Name              string            `field:"name,required"`
	Namespace         string            `field:"namespace"`
	Labels            map[string]string `field:"labels"`
	Annotations       map[string]string `field:"annotations"`
	CreationTimestamp anything          `field:"creationTimestamp" does:"ignored, as by the API server, which sets its own"` // generators write it as null
}

// objectManifest lists the fields that all objects have.
type objectManifest struct {
	APIVersion string   `field:"apiVersion"`
	Kind       string   `field:"kind"`
	Metadata   metadata `field:"metadata,required"`
}

func addNamespace(d *decoding, m Meta, _ any) {
	d.noteIstioKeys(m.Labels, "label")
	d.overlay.Namespaces = append(d.overlay.Namespaces, m)
}

type serviceAccountManifest struct {
	objectManifest
	AutomountServiceAccountToken bool       `field:"automountServiceAccountToken,accepted"`
	ImagePullSecrets             []nameOnly `field:"imagePullSecrets,accepted"`
}

type nameOnly struct {
	Name string `field:"name,required"`
}

func addServiceAccount(d *decoding, m Meta, _ any) {
	d.overlay.ServiceAccounts = append(d.overlay.ServiceAccounts, m)
}

type configMapManifest struct {
	objectManifest
	Data       map[string]string `field:"data" does:"environment and files of containers"`
	BinaryData map[string]string `field:"binaryData" does:"files of containers"`
	Immutable  bool              `field:"immutable,accepted"`
}

func addConfigMap(d *decoding, m Meta, decoded any) {
	from := decoded.(*configMapManifest)
	at := problems{report: d.report, object: m.String()}
	d.overlay.ConfigMaps = append(d.overlay.ConfigMaps, Data{Meta: m, Values: bytesOf(from.Data), Binary: decodeBase64(at, "binaryData", from.BinaryData)})
}
