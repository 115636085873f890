package mesh

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/overlay"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"
	"sigs.k8s.io/yaml"
)

// object holds a YAML document of the tests, of any kind.
type object struct {
	APIVersion string
	Kind       string
	Metadata   struct {
		Namespace, Name     string
		Labels, Annotations map[string]string
	}
	Spec json.RawMessage
}

func (o *object) meta() overlay.Meta {
	return overlay.Meta{APIVersion: o.APIVersion, Kind: o.Kind, Namespace: o.Metadata.Namespace, Name: o.Metadata.Name,
		Labels: o.Metadata.Labels, Annotations: o.Metadata.Annotations}
}

// objects reads YAML documents into an overlay. It skips the checks between objects that overlay.Load makes: the table must handle objects
// that those checks reject.
func objects(t testing.TB, documents ...string) *overlay.Overlay {
	t.Helper()
	o := &overlay.Overlay{}
	for _, doc := range strings.Split("\n"+strings.Join(documents, "\n---\n"), "\n---") {
		var x object
		if err := yaml.Unmarshal([]byte(doc), &x); err != nil {
			t.Fatalf("%v in %s", err, doc)
		}
		switch x.Kind {
		case "":
		case "Namespace":
			o.Namespaces = append(o.Namespaces, x.meta())
		case "Service":
			o.Services = append(o.Services, decodeService(t, &x))
		case "Deployment":
			o.Deployments = append(o.Deployments, decodeDeployment(t, &x))
		case "VirtualService":
			o.VirtualServices = append(o.VirtualServices, decode(t, &x, &networking.VirtualService{}))
		case "DestinationRule":
			o.DestinationRules = append(o.DestinationRules, decode(t, &x, &networking.DestinationRule{}))
		case "Gateway":
			o.Gateways = append(o.Gateways, decode(t, &x, &networking.Gateway{}))
		case "ServiceEntry":
			o.ServiceEntries = append(o.ServiceEntries, decode(t, &x, &networking.ServiceEntry{}))
		case "Sidecar":
			o.Sidecars = append(o.Sidecars, decode(t, &x, &networking.Sidecar{}))
		case "AuthorizationPolicy":
			o.AuthorizationPolicies = append(o.AuthorizationPolicies, decode(t, &x, &security.AuthorizationPolicy{}))
		default:
			o.NotEnforced = append(o.NotEnforced, x.meta())
		}
	}
	return o
}

func decode[T proto.Message](t testing.TB, x *object, spec T) overlay.Istio[T] {
	t.Helper()
	if err := protojson.Unmarshal(x.Spec, spec); err != nil {
		t.Fatalf("%s: %v", x.meta(), err)
	}
	return overlay.Istio[T]{Meta: x.meta(), Spec: spec}
}

func decodeService(t testing.TB, x *object) overlay.Service {
	t.Helper()
	var spec struct {
		Selector map[string]string
		Ports    []struct {
			Name, AppProtocol string
			Port              int
			TargetPort        any
		}
	}
	if err := json.Unmarshal(x.Spec, &spec); err != nil {
		t.Fatal(err)
	}
	s := overlay.Service{Meta: x.meta(), Type: "ClusterIP", Selector: spec.Selector}
	for i, p := range spec.Ports {
		target, _ := json.Marshal(p.TargetPort)
		s.Ports = append(s.Ports, overlay.ServicePort{Index: i, Name: p.Name, AppProtocol: p.AppProtocol, Port: p.Port,
			Target: strings.Trim(strings.ReplaceAll(string(target), "null", ""), `"`)})
	}
	return s
}

func decodeDeployment(t testing.TB, x *object) overlay.Deployment {
	t.Helper()
	var spec struct {
		Replicas *int
		Template struct {
			Metadata struct{ Labels map[string]string }
			Spec     struct {
				Containers []struct {
					Ports []struct {
						Name          string
						ContainerPort int
					}
				}
			}
		}
	}
	if err := json.Unmarshal(x.Spec, &spec); err != nil {
		t.Fatal(err)
	}
	d := overlay.Deployment{Meta: x.meta(), Replicas: 1, Pod: overlay.PodTemplate{Labels: spec.Template.Metadata.Labels, ServiceAccount: "default"}}
	if spec.Replicas != nil {
		d.Replicas = *spec.Replicas
	}
	for _, c := range spec.Template.Spec.Containers {
		d.Pod.Containers = append(d.Pod.Containers, overlay.Container{})
		own := &d.Pod.Containers[len(d.Pod.Containers)-1]
		for _, p := range c.Ports {
			own.Ports = append(own.Ports, overlay.ContainerPort{Name: p.Name, Number: p.ContainerPort})
		}
	}
	return d
}

// file returns the text of a file in testdata.
func file(t testing.TB, name string) string {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// compiled returns the table of some documents, which must be valid.
func compiled(t testing.TB, documents ...string) *Table {
	t.Helper()
	table, err := Compile(objects(t, documents...))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// refused returns the error message for some documents, which must be invalid.
func refused(t testing.TB, documents ...string) string {
	t.Helper()
	if _, err := Compile(objects(t, documents...)); err != nil {
		return err.Error()
	}
	t.Fatal("compiled, want an error")
	return ""
}
