package fidelity

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	networking "istio.io/api/networking/v1alpha3"
	"istio.io/istio/pkg/config/crd"
	"istio.io/istio/pkg/config/schema/gvk"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"
	"sigs.k8s.io/yaml"
)

// gatewayObjects holds the objects of the Gateway API in the discovery server's Kubernetes, from which istiod itself makes its rules.
type gatewayObjects struct {
	validator *crd.Validator
	applied   []*unstructured.Unstructured
}

// newValidator returns a validator by the CustomResourceDefinitions in the module of the Gateway API: schema, defaults and CEL.
func newValidator() (*crd.Validator, error) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api").Output()
	if err != nil {
		return nil, fmt.Errorf("finding the module of the Gateway API: %w", err)
	}
	var files []string
	for _, kind := range []string{"gateways", "httproutes", "referencegrants"} {
		files = append(files, filepath.Join(strings.TrimSpace(string(dir)), "config/crd/experimental/gateway.networking.k8s.io_"+kind+".yaml"))
	}
	return crd.NewValidatorFromFilesWithOptions(files, crd.WithoutCRDValidation())
}

// isGatewayAPI reports whether a document is an object of the Gateway API.
func isGatewayAPI(doc string) bool {
	return strings.Contains(doc, "apiVersion: gateway.networking.k8s.io/")
}

// decode decodes documents of the Gateway API as the API server does: checked, with its defaults.
func (g *gatewayObjects) decode(docs []string) (objects []*unstructured.Unstructured, err error) {
	for _, doc := range docs {
		o := &unstructured.Unstructured{}
		json, err := yaml.YAMLToJSON([]byte(doc))
		if err == nil {
			err = o.UnmarshalJSON(json) // with whole numbers, which CEL distinguishes from others
		}
		if err != nil {
			return nil, err
		}
		if err := g.validator.ValidateCustomResource(o); err != nil { // it sets the defaults as well
			return nil, err
		}
		if created := o.GetCreationTimestamp(); created.IsZero() {
			o.SetCreationTimestamp(metav1.NewTime(time.Unix(1_700_000_000, 0))) // as parseRules
		}
		objects = append(objects, o)
	}
	slices.SortStableFunc(objects, func(a, b *unstructured.Unstructured) int { return strings.Compare(order(a), order(b)) })
	return objects, nil
}

// order sorts grants and Gateways before routes, which depend on them.
func order(o *unstructured.Unstructured) string {
	if o.GetKind() == "HTTPRoute" {
		return "2"
	}
	return "1"
}

// applyGatewayAPI replaces the objects of the Gateway API, and waits until istiod has made its rules of them.
func (e *istio) applyGatewayAPI(docs []string, generation int) error {
	objects, err := e.gatewayAPI.decode(append(slices.Clone(docs), fmt.Sprintf(routeMarker, generation)))
	if err != nil {
		return err
	}
	for _, o := range e.gatewayAPI.applied {
		if err := e.remove(o); err != nil {
			return err
		}
	}
	e.gatewayAPI.applied = nil
	for _, o := range objects {
		if err := e.create(o); err != nil {
			return fmt.Errorf("%s %s/%s: %w", o.GetKind(), o.GetNamespace(), o.GetName(), err)
		}
		e.gatewayAPI.applied = append(e.gatewayAPI.applied, o)
	}
	return e.converted(generation)
}

// routeMarker is converted last, because its name is the last one created.
const routeMarker = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: fidelity-marker, namespace: istio-system}
spec:
  parentRefs: [{group: "", kind: Service, name: ` + gatewayName + `}]
  rules: [{filters: [{type: RequestRedirect, requestRedirect: {hostname: g%d.test}}]}]
`

// converted waits until istiod has converted the routes of a generation.
func (e *istio) converted(generation int) error {
	want := fmt.Sprintf("g%d.test", generation)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		for _, c := range e.server.Env().List(gvk.VirtualService, "istio-system") {
			if r := c.Spec.(*networking.VirtualService).GetHttp(); len(r) > 0 && r[0].GetRedirect().GetAuthority() == want {
				return nil
			}
		}
	}
	return errors.New("istiod has not converted the routes")
}

func (e *istio) create(o *unstructured.Unstructured) (err error) {
	ctx, client := context.Background(), e.server.KubeClient().GatewayAPI()
	switch o.GetKind() {
	case "Gateway":
		_, err = client.GatewayV1().Gateways(o.GetNamespace()).Create(ctx, typed[gatewayv1.Gateway](o), metav1.CreateOptions{})
	case "HTTPRoute":
		_, err = client.GatewayV1().HTTPRoutes(o.GetNamespace()).Create(ctx, typed[gatewayv1.HTTPRoute](o), metav1.CreateOptions{})
	case "ReferenceGrant":
		_, err = client.GatewayV1beta1().ReferenceGrants(o.GetNamespace()).Create(ctx, typed[gatewayv1beta1.ReferenceGrant](o), metav1.CreateOptions{})
	default:
		err = errors.New("want a Gateway, an HTTPRoute or a ReferenceGrant")
	}
	return err
}

func (e *istio) remove(o *unstructured.Unstructured) error {
	ctx, client := context.Background(), e.server.KubeClient().GatewayAPI()
	switch o.GetKind() {
	case "Gateway":
		return client.GatewayV1().Gateways(o.GetNamespace()).Delete(ctx, o.GetName(), metav1.DeleteOptions{})
	case "HTTPRoute":
		return client.GatewayV1().HTTPRoutes(o.GetNamespace()).Delete(ctx, o.GetName(), metav1.DeleteOptions{})
	}
	return client.GatewayV1beta1().ReferenceGrants(o.GetNamespace()).Delete(ctx, o.GetName(), metav1.DeleteOptions{})
}

// typed converts a decoded object to its Go type.
func typed[T any](o *unstructured.Unstructured) *T {
	out := new(T)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, out); err != nil {
		panic(err) // the validator has accepted it
	}
	return out
}
