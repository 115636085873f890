package deploy

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kubejson "k8s.io/apimachinery/pkg/runtime/serializer/json"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// system is a rendered overlay in the types of Kubernetes and Istio.
type system struct {
	objects               []object
	namespaces            map[string]*corev1.Namespace
	accounts              map[string]*corev1.ServiceAccount // this and the following ones are by namespace/name
	deployments           map[string]*appsv1.Deployment
	daemonSets            map[string]*appsv1.DaemonSet // only among the add-ons
	services              map[string]*corev1.Service
	networkPolicies       map[string]*networkingv1.NetworkPolicy
	budgets               map[string]*policyv1.PodDisruptionBudget
	ingresses             map[string]*networkingv1.Ingress
	virtualServices       map[string]*networking.VirtualService
	destinationRules      map[string]*networking.DestinationRule
	gateways              map[string]*networking.Gateway
	serviceEntries        map[string]*networking.ServiceEntry
	sidecars              map[string]*networking.Sidecar
	authorizationPolicies map[string]*security.AuthorizationPolicy
	peerAuthentications   map[string]*security.PeerAuthentication
	kubernetesGateways    map[string]*gatewayv1.Gateway
	httpRoutes            map[string]*gatewayv1.HTTPRoute
}

// decode decodes objects strictly: an unknown field is an error, and so is a kind that is not expected in an overlay.
func decode(t *testing.T, objects []object) *system {
	t.Helper()
	s := &system{
		objects:               objects,
		namespaces:            map[string]*corev1.Namespace{},
		accounts:              map[string]*corev1.ServiceAccount{},
		deployments:           map[string]*appsv1.Deployment{},
		services:              map[string]*corev1.Service{},
		networkPolicies:       map[string]*networkingv1.NetworkPolicy{},
		budgets:               map[string]*policyv1.PodDisruptionBudget{},
		ingresses:             map[string]*networkingv1.Ingress{},
		virtualServices:       map[string]*networking.VirtualService{},
		destinationRules:      map[string]*networking.DestinationRule{},
		gateways:              map[string]*networking.Gateway{},
		serviceEntries:        map[string]*networking.ServiceEntry{},
		sidecars:              map[string]*networking.Sidecar{},
		authorizationPolicies: map[string]*security.AuthorizationPolicy{},
		peerAuthentications:   map[string]*security.PeerAuthentication{},
		kubernetesGateways:    map[string]*gatewayv1.Gateway{},
		httpRoutes:            map[string]*gatewayv1.HTTPRoute{},
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, appsv1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme, gatewayv1.Install} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	kube := kubejson.NewSerializerWithOptions(kubejson.DefaultMetaFactory, scheme, scheme, kubejson.SerializerOptions{Strict: true})
	for _, o := range objects {
		if err := s.add(o, kube); err != nil {
			t.Errorf("%s: %v", o, err)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	return s
}

func (s *system) add(o object, kube runtime.Decoder) error {
	key := o.Metadata.Namespace + "/" + o.Metadata.Name
	if strings.Contains(o.APIVersion, "istio.io/") {
		return s.addIstio(o, key)
	}
	typed, _, err := kube.Decode(o.raw, nil, nil)
	if err != nil {
		return err
	}
	switch x := typed.(type) {
	case *corev1.Namespace:
		s.namespaces[x.Name] = x
	case *corev1.ServiceAccount:
		s.accounts[key] = x
	case *appsv1.Deployment:
		s.deployments[key] = x
	case *corev1.Service:
		s.services[key] = x
	case *networkingv1.NetworkPolicy:
		s.networkPolicies[key] = x
	case *policyv1.PodDisruptionBudget:
		s.budgets[key] = x
	case *networkingv1.Ingress:
		s.ingresses[key] = x
	case *gatewayv1.Gateway:
		s.kubernetesGateways[key] = x
	case *gatewayv1.HTTPRoute:
		s.httpRoutes[key] = x
	default:
		return fmt.Errorf("want no %T in an overlay", typed)
	}
	return nil
}

func (s *system) addIstio(o object, key string) error {
	var all struct {
		Spec json.RawMessage `json:"spec"`
	}
	if err := json.Unmarshal(o.raw, &all); err != nil {
		return err
	}
	var spec proto.Message
	switch o.APIVersion + " " + o.Kind {
	case "networking.istio.io/v1 VirtualService":
		spec = keep(s.virtualServices, key, &networking.VirtualService{})
	case "networking.istio.io/v1 DestinationRule":
		spec = keep(s.destinationRules, key, &networking.DestinationRule{})
	case "networking.istio.io/v1 Gateway":
		spec = keep(s.gateways, key, &networking.Gateway{})
	case "networking.istio.io/v1 ServiceEntry":
		spec = keep(s.serviceEntries, key, &networking.ServiceEntry{})
	case "networking.istio.io/v1 Sidecar":
		spec = keep(s.sidecars, key, &networking.Sidecar{})
	case "security.istio.io/v1 AuthorizationPolicy":
		spec = keep(s.authorizationPolicies, key, &security.AuthorizationPolicy{})
	case "security.istio.io/v1 PeerAuthentication":
		spec = keep(s.peerAuthentications, key, &security.PeerAuthentication{})
	default:
		return fmt.Errorf("want no %s %s in an overlay", o.APIVersion, o.Kind)
	}
	return protojson.Unmarshal(all.Spec, spec) // unlike the types' own UnmarshalJSON it rejects unknown fields
}

func keep[T proto.Message](in map[string]T, key string, spec T) T {
	in[key] = spec
	return spec
}

// TestDecodingIsStrict checks what the decoder itself must reject.
func TestDecodingIsStrict(t *testing.T) {
	t.Parallel()
	scheme := runtime.NewScheme()
	if err := appsv1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	kube := kubejson.NewSerializerWithOptions(kubejson.DefaultMetaFactory, scheme, scheme, kubejson.SerializerOptions{Strict: true})
	for name, doc := range map[string]string{
		"unknown field of Kubernetes": `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"x"},"spec":{"replica":1}}`,
		"unknown field of Istio":      `{"apiVersion":"networking.istio.io/v1","kind":"VirtualService","metadata":{"name":"x"},"spec":{"host":["x"]}}`,
		"kind that is not expected":   `{"apiVersion":"networking.istio.io/v1alpha3","kind":"EnvoyFilter","metadata":{"name":"x"},"spec":{}}`,
	} {
		var s system
		s.virtualServices = map[string]*networking.VirtualService{}
		s.deployments = map[string]*appsv1.Deployment{}
		if err := s.add(split(t, []byte(doc))[0], kube); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestComponentsFit: components that no overlay here uses are for others' overlays: they can be added to canary or to plain.
func TestComponentsFit(t *testing.T) {
	t.Parallel()
	for name, on := range map[string]string{
		"client": "canary", "replicated": "canary", "real-outside": "egress", "private-registry": "plain", "ingress": "plain", "seeds": "canary",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after := renderOverlay(t, on), renderWith(t, on, name)
			decode(t, after)
			same := len(before) == len(after)
			for i := range after {
				same = same && string(before[i].raw) == string(after[i].raw)
			}
			if same {
				t.Errorf("component %s changes nothing in %s", name, on)
			}
		})
	}
}
