package apiserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/kustomize/api/krusty"
	kustomize "sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

const deploy = "../../deploy"

// server is a running API server.
type server struct {
	client     dynamic.Interface
	mapper     meta.RESTMapper
	warnings   *warnings
	kubeconfig string // a file
}

// warnings collects what the API server warns of, such as a pod that Pod Security would not admit.
type warnings struct {
	mu   sync.Mutex
	list []string
}

// HandleWarningHeader implements rest.WarningHandler.
func (w *warnings) HandleWarningHeader(_ int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, text)
}

// take returns what was collected since the last call.
func (w *warnings) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.list
	w.list = nil
	return list
}

// start runs an API server with CustomResourceDefinitions from files and directories, until the test ends.
func start(t *testing.T, crds ...string) *server {
	t.Helper()
	for program, variable := range map[string]string{"kube-apiserver": "TEST_ASSET_KUBE_APISERVER", "etcd": "TEST_ASSET_ETCD"} {
		if os.Getenv("KUBEBUILDER_ASSETS") != "" || os.Getenv(variable) != "" {
			continue
		}
		path, err := exec.LookPath(program)
		if err != nil {
			t.Skipf("no %s: neither in KUBEBUILDER_ASSETS nor in PATH", program)
		}
		if err := os.Setenv(variable, path); err != nil {
			t.Fatal(err)
		}
	}
	env := &envtest.Environment{CRDDirectoryPaths: crds, ErrorIfCRDPathMissing: true}
	config, err := env.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Error(err)
		}
	})
	s := &server{warnings: &warnings{}, kubeconfig: filepath.Join(t.TempDir(), "kubeconfig")}
	if err := os.WriteFile(s.kubeconfig, env.KubeConfig, 0o600); err != nil {
		t.Fatal(err)
	}
	config = rest.CopyConfig(config)
	config.WarningHandler = s.warnings
	config.QPS = -1
	if s.client, err = dynamic.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	d, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	s.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(d))
	return s
}

// apply applies an object as `kubectl apply --server-side --validate=strict` does.
func (s *server) apply(ctx context.Context, o *unstructured.Unstructured, dryRun ...string) error {
	mapping, err := s.mapper.RESTMapping(o.GroupVersionKind().GroupKind(), o.GroupVersionKind().Version)
	if err != nil {
		return err
	}
	var to dynamic.ResourceInterface = s.client.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		if o.GetNamespace() == "" {
			return errors.New("want a namespace")
		}
		to = s.client.Resource(mapping.Resource).Namespace(o.GetNamespace())
	}
	raw, err := json.Marshal(o)
	if err != nil {
		return err
	}
	_, err = to.Patch(ctx, o.GetName(), types.ApplyPatchType, raw, metav1.PatchOptions{
		DryRun: dryRun, FieldManager: "hopline", FieldValidation: metav1.FieldValidationStrict,
	})
	return err
}

// module returns the directory of a module's source: the version of go.mod, or another one that is given after an @.
func module(t *testing.T, name string) string {
	t.Helper()
	cmd := exec.Command("go", "mod", "download", "-json", name)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
	var about struct{ Dir string }
	if err := json.Unmarshal(out, &about); err != nil {
		t.Fatal(err)
	}
	return about.Dir
}

// render renders a directory of deploy/, with components on top.
func render(t *testing.T, dir string, components ...string) []*unstructured.Unstructured {
	t.Helper()
	path := filepath.Join(deploy, dir)
	if len(components) > 0 {
		path = withComponents(t, dir, components)
	}
	m, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), path)
	if err != nil {
		t.Fatalf("kustomize %s: %v", dir, err)
	}
	out, err := m.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return objects(t, out)
}

func withComponents(t *testing.T, base string, components []string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	relative := func(path string) string {
		absolute, err := filepath.Abs(filepath.Join(deploy, path))
		if err != nil {
			t.Fatal(err)
		}
		path, err = filepath.Rel(dir, absolute)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	k := kustomize.Kustomization{TypeMeta: kustomize.TypeMeta{APIVersion: kustomize.KustomizationVersion, Kind: kustomize.KustomizationKind}}
	k.Resources = []string{relative(base)}
	for _, c := range components {
		k.Components = append(k.Components, relative(c))
	}
	raw, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// objects decodes YAML documents.
func objects(t *testing.T, text []byte) []*unstructured.Unstructured {
	t.Helper()
	var all []*unstructured.Unstructured
	for _, doc := range bytes.Split(append([]byte("\n"), text...), []byte("\n---\n")) {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(doc, &o.Object); err != nil {
			t.Fatalf("%v in\n%s", err, doc)
		}
		all = append(all, o)
	}
	return all
}
