package apiserver

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "istio.io/api/networking/v1"      // go.mod pins the version whose CustomResourceDefinitions are used
	_ "sigs.k8s.io/gateway-api/apis/v1" // the same
)

// linkerdGateway is the version of the Gateway API that Linkerd recommends. It ignores a whole route that has a field of a later one.
const linkerdGateway = "sigs.k8s.io/gateway-api@v1.2.1"

// accepted checks that the API server accepts each object, without a warning. It creates Namespaces: a dry run in a namespace needs it.
func (s *server) accepted(t *testing.T, dir string, components ...string) {
	t.Helper()
	all := render(t, dir, components...)
	for _, o := range all {
		if o.GetKind() == "Namespace" {
			if err := s.apply(t.Context(), o); err != nil {
				t.Errorf("%s: Namespace %s: %v", dir, o.GetName(), err)
			}
		}
	}
	for _, o := range all {
		if o.GetKind() == "Namespace" {
			continue
		}
		if err := s.apply(t.Context(), o, "All"); err != nil {
			t.Errorf("%s: %s %s/%s: %v", dir, o.GetKind(), o.GetNamespace(), o.GetName(), err)
		}
		for _, w := range s.warnings.take() {
			t.Errorf("%s: %s %s/%s: the API server warns: %s", dir, o.GetKind(), o.GetNamespace(), o.GetName(), w)
		}
	}
}

// refused checks that the API server rejects an object, and that its message names the reason.
func (s *server) refused(t *testing.T, document, reason string) {
	t.Helper()
	for _, o := range objects(t, []byte(document)) {
		if err := s.apply(t.Context(), o, "All"); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s %s: %v, want an error with %q", o.GetKind(), o.GetName(), err, reason)
		}
	}
}

func (s *server) namespace(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		for _, o := range objects(t, []byte("{apiVersion: v1, kind: Namespace, metadata: {name: "+name+"}}")) {
			if err := s.apply(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// directories returns the directories below one of deploy/: none is forgotten.
func directories(t *testing.T, below string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(deploy, below))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, below+"/"+e.Name())
		}
	}
	if len(names) == 0 {
		t.Fatalf("no directories below deploy/%s", below)
	}
	return names
}

// TestIstio: the overlays, the add-ons and ambient, on a cluster that has Istio and the newest Gateway API that Istio reads.
func TestIstio(t *testing.T) {
	t.Parallel()
	s := start(t, filepath.Join(module(t, "istio.io/api"), "kubernetes/customresourcedefinitions.gen.yaml"),
		filepath.Join(module(t, "sigs.k8s.io/gateway-api"), "config/crd/standard"))
	s.namespace(t, "istio-system")
	for _, dir := range directories(t, "overlays") {
		s.accepted(t, dir)
	}
	s.accepted(t, "meshes/ambient")
	s.accepted(t, "overlays/canary", "components/client", "components/seeds", "components/replicated")
	s.accepted(t, "addons")
	s.accepted(t, "addons", "addons/zipkin")
	s.accepted(t, "addons", "addons/sampling")
	s.accepted(t, "addons/jenkins")
	s.agentIsAdmitted(t)
	s.refused(t, `{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: x, namespace: istio-system}, spec: {host: [x]}}`, "host")
	s.refused(t, `{apiVersion: v1, kind: Service, metadata: {name: x, namespace: istio-system}, spec: {ports: [{port: 0}]}}`, "spec.ports[0].port")
}

// TestLinkerd: the overlays for Linkerd, on a cluster that has Linkerd's CustomResourceDefinitions and the Gateway API that it reads.
func TestLinkerd(t *testing.T) {
	t.Parallel()
	s := start(t, "testdata/linkerd-crds.yaml", filepath.Join(module(t, linkerdGateway), "config/crd/standard"))
	s.accepted(t, "meshes/linkerd")
	s.accepted(t, "meshes/linkerd-retry")
	// Fields that came later, each in a route that is right otherwise.
	const route = `{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: x, namespace: hopline}, spec: {parentRefs: [{name: x}], rules: [RULE]}}`
	for field, rule := range map[string]string{
		"spec.rules[0].name":            `{name: everybody}`,
		"spec.rules[0].retry":           `{retry: {attempts: 3}}`,
		"spec.rules[0].filters[0].cors": `{filters: [{type: RequestMirror, cors: {allowOrigins: ["*"]}}]}`,
	} {
		s.refused(t, strings.Replace(route, "RULE", rule, 1), field)
	}
	s.refused(t, `{apiVersion: policy.linkerd.io/v1beta3, kind: Server, metadata: {name: x, namespace: hopline}, spec: {podSelector: {}, accessPolicy: deny}}`, "spec.port")
	s.refused(t, `{apiVersion: policy.linkerd.io/v1alpha1, kind: MeshTLSAuthentication, metadata: {name: x, namespace: hopline}, spec: {identities: []}}`, "spec.identities")
}

// TestPlain: the overlay plain needs only Kubernetes. `make deploy` of the others names what a cluster lacks, before it changes
// anything.
func TestPlain(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.accepted(t, "overlays/plain")
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		t.Skip("no kubectl in PATH")
	}
	for overlay, lack := range map[string]string{
		"canary":  "this cluster has no Istio: it lacks the CRDs virtualservices.networking.istio.io",
		"linkerd": "this cluster has no Linkerd: it lacks the CRDs httproutes.gateway.networking.k8s.io",
		"nothing": "no overlay nothing. There are: ",
	} {
		cmd := exec.CommandContext(t.Context(), filepath.Join(deploy, "deploy.sh"), "deploy", overlay)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH") + string(os.PathListSeparator) + filepath.Dir(kubectl), "KUBECONFIG=" + s.kubeconfig, "HOME=" + t.TempDir(), "TMPDIR=" + t.TempDir()} // kubectl keeps a cache at home
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), lack) {
			t.Errorf("make deploy OVERLAY=%s: %v, want an error with %q, got\n%s", overlay, err, lack, out)
		}
	}
}
