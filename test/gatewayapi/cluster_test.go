package gatewayapi

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/uuid"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"
)

// className and controllerName are Istio's.
const (
	className      = "istio"
	controllerName = "istio.io/gateway-controller"
)

// cluster holds what the suite sees of a cluster: objects in memory, the pods of Deployments, and the lab in Istio's place. All consequences of a
// change are done when the client returns.
type cluster struct {
	objects client.WithWatch
	schemas map[string]*structuralschema.Structural // by kind: the defaults of the Gateway API's objects
	pods    *pods
	lab     *lab

	mu sync.Mutex // held during a change
}

// newCluster returns a cluster with a GatewayClass.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientscheme.AddToScheme, gatewayv1.Install, apiextensionsv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	crds := definitions(t)
	c := &cluster{schemas: map[string]*structuralschema.Structural{}, pods: newPods(t), lab: newLab(t)}
	for _, d := range crds {
		c.schemas[d.Spec.Names.Kind] = structural(t, d)
	}
	c.objects = fake.NewClientBuilder().WithScheme(scheme).
		WithStatusSubresource(&gatewayv1.GatewayClass{}, &gatewayv1.Gateway{}, &gatewayv1.HTTPRoute{}).Build()
	for _, d := range crds {
		if err := c.objects.Create(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	class := &gatewayv1.GatewayClass{ObjectMeta: metav1.ObjectMeta{Name: className}, Spec: gatewayv1.GatewayClassSpec{ControllerName: controllerName}}
	if err := c.client().Create(t.Context(), class); err != nil {
		t.Fatal(err)
	}
	return c
}

// definitions reads the CustomResourceDefinitions of the Gateway API's experimental channel, from its module.
func definitions(t *testing.T) (out []*apiextensionsv1.CustomResourceDefinition) {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "config/crd/experimental/gateway.networking.k8s.io_*s.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.Unmarshal(text, d); err != nil {
			t.Fatal(err)
		}
		if d.Kind == "CustomResourceDefinition" {
			out = append(out, d)
		}
	}
	if len(out) == 0 {
		t.Fatal("the module of the Gateway API has no CustomResourceDefinitions")
	}
	return out
}

// structural returns the schema of a definition's version v1, or of its only one.
func structural(t *testing.T, d *apiextensionsv1.CustomResourceDefinition) *structuralschema.Structural {
	t.Helper()
	version := d.Spec.Versions[0]
	for _, v := range d.Spec.Versions {
		if v.Name == "v1" {
			version = v
		}
	}
	var internal apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(version.Schema.OpenAPIV3Schema, &internal, nil); err != nil {
		t.Fatal(err)
	}
	s, err := structuralschema.NewStructural(&internal)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// client returns the suite's client.
func (c *cluster) client() client.Client {
	return interceptor.NewClient(c.objects, interceptor.Funcs{
		Create: func(ctx context.Context, w client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			return c.change(ctx, o, func() error { return w.Create(ctx, o, opts...) })
		},
		Update: func(ctx context.Context, w client.WithWatch, o client.Object, opts ...client.UpdateOption) error {
			return c.change(ctx, o, func() error { return w.Update(ctx, o, opts...) })
		},
		Patch: func(ctx context.Context, w client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			return c.change(ctx, o, func() error { return w.Patch(ctx, o, p, opts...) })
		},
		Delete: func(ctx context.Context, w client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			return c.change(ctx, o, func() error { return w.Delete(ctx, o, opts...) })
		},
	})
}

// change writes an object, completes it as an API server does, and lets the lab read the result.
func (c *cluster) change(ctx context.Context, o client.Object, write func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	before, err := c.stored(ctx, o)
	if client.IgnoreNotFound(err) != nil {
		return err
	}
	if err := write(); err != nil {
		return err
	}
	after, err := c.stored(ctx, o)
	if err == nil {
		err = c.complete(ctx, before, after, o)
	}
	if client.IgnoreNotFound(err) != nil {
		return err
	}
	return c.reconcile(ctx)
}

// stored returns an object as it is stored.
func (c *cluster) stored(ctx context.Context, o client.Object) (*unstructured.Unstructured, error) {
	kind, err := apiutil.GVKForObject(o, c.objects.Scheme())
	if err != nil {
		return nil, err
	}
	out := &unstructured.Unstructured{}
	out.SetGroupVersionKind(kind)
	return out, c.objects.Get(ctx, client.ObjectKeyFromObject(o), out)
}

// complete adds to a written object what an API server adds: the defaults of its schema, an identity, a time, and a generation that counts the
// changes of its specification.
func (c *cluster) complete(ctx context.Context, before, after *unstructured.Unstructured, o client.Object) error {
	if s := c.schemas[after.GetKind()]; s != nil && after.GroupVersionKind().Group == gatewayv1.GroupName {
		defaulting.Default(after.Object, s)
	}
	uid, created, generation := uuid.NewUUID(), metav1.NewTime(time.Now()), int64(1)
	if before.GetUID() != "" {
		uid, created, generation = before.GetUID(), before.GetCreationTimestamp(), before.GetGeneration()
		if !reflect.DeepEqual(before.Object["spec"], after.Object["spec"]) {
			generation++
		}
	}
	after.SetUID(uid)
	after.SetCreationTimestamp(created)
	after.SetGeneration(generation)
	if err := c.objects.Update(ctx, after); err != nil {
		return err
	}
	return c.objects.Get(ctx, client.ObjectKeyFromObject(after), o)
}

// reconcile starts and ends pods, lets the lab read all objects, and writes the status that it computes.
func (c *cluster) reconcile(ctx context.Context) error {
	var deployments appsv1.DeploymentList
	if err := c.objects.List(ctx, &deployments); err != nil {
		return err
	}
	if err := c.schedule(ctx, deployments.Items); err != nil {
		return err
	}
	list, err := c.list(ctx)
	if err != nil {
		return err
	}
	rules, err := c.lab.apply(list, c.pods)
	if err != nil {
		return err
	}
	return c.writeStatus(ctx, rules)
}

// schedule creates the Pods of new Deployments, and deletes those of deleted ones.
func (c *cluster) schedule(ctx context.Context, deployments []appsv1.Deployment) error {
	created, ended := c.pods.of(deployments)
	for _, p := range created {
		if err := c.objects.Create(ctx, p); err != nil {
			return err
		}
	}
	for _, name := range ended {
		if err := c.objects.Delete(ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}); err != nil {
			return err
		}
	}
	return nil
}

// list returns the objects that the lab reads, as kubectl prints them.
func (c *cluster) list(ctx context.Context) ([]byte, error) {
	items := []any{}
	for _, l := range []client.ObjectList{&corev1.NamespaceList{}, &corev1.ServiceList{}, &appsv1.DeploymentList{}, &gatewayv1.GatewayList{}, &gatewayv1.HTTPRouteList{}, &gatewayv1.ReferenceGrantList{}} {
		kind, err := apiutil.GVKForObject(l, c.objects.Scheme())
		if err != nil {
			return nil, err
		}
		all := &unstructured.UnstructuredList{}
		all.SetGroupVersionKind(kind)
		if err := c.objects.List(ctx, all); err != nil {
			return nil, err
		}
		for _, item := range all.Items {
			items = append(items, item.Object)
		}
	}
	return json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": items})
}
