package apiserver

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"
)

const jenkins = deploy + "/addons/jenkins"

// agentIsAdmitted checks that the namespace, which enforces Pod Security "restricted", admits the pod of an agent.
func (s *server) agentIsAdmitted(t *testing.T) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(jenkins, "casc.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Jenkins struct {
			NumExecutors *int
			Clouds       []struct {
				Kubernetes struct {
					Namespace       string
					ContainerCapStr string
					Templates       []struct{ Yaml string }
				}
			}
		}
	}
	if err := yaml.Unmarshal(raw, &config); err != nil {
		t.Fatal(err)
	}
	if n := config.Jenkins.NumExecutors; n == nil || *n != 0 || len(config.Jenkins.Clouds) != 1 {
		t.Fatalf("casc.yaml: %+v", config)
	}
	cloud := config.Jenkins.Clouds[0].Kubernetes
	if cloud.Namespace != "jenkins" || cloud.ContainerCapStr != "3" || len(cloud.Templates) != 1 {
		t.Fatalf("casc.yaml: %+v", cloud)
	}
	s.account(t, cloud.Namespace, "agent") // the dry run did not make it
	for _, pod := range objects(t, []byte(cloud.Templates[0].Yaml)) {
		pod.SetName("agent")
		pod.SetNamespace(cloud.Namespace)
		if err := s.apply(t.Context(), pod, "All"); err != nil {
			t.Errorf("the agent's pod: %v", err)
		}
	}
}

func (s *server) account(t *testing.T, namespace, name string) {
	t.Helper()
	for _, o := range objects(t, []byte("{apiVersion: v1, kind: ServiceAccount, metadata: {name: "+name+", namespace: "+namespace+"}}")) {
		if err := s.apply(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
}

// steps returns the commands of the Jenkinsfile, in order: those of the stages, then the one that runs on failure.
func steps(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(jenkins, "Jenkinsfile"))
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for _, m := range regexp.MustCompile(`sh '([^']+)'`).FindAllSubmatch(text, -1) {
		commands = append(commands, string(m[1]))
	}
	return commands
}

// TestPipeline runs the steps of the Jenkinsfile as plain commands: the images are in a registry, a failed gate brings back what was
// deployed, a passed one gives all workloads the new images.
func TestPipeline(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it takes one or two minutes")
	}
	if _, err := exec.LookPath("kubectl"); err != nil {
		t.Skip("no kubectl in PATH")
	}
	const step = "deploy/addons/jenkins/pipeline.sh "
	commands := steps(t)
	if want := []string{"make test", step + "images", step + "canary", step + "gate", step + "prod", step + "gate", step + "back"}; !slices.Equal(commands, want) {
		t.Fatalf("steps %q, want %q", commands, want)
	}
	s := start(t, filepath.Join(module(t, "istio.io/api"), "kubernetes/customresourcedefinitions.gen.yaml"))
	s.deploymentsBecomeReady(t)
	images := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(images.Close)
	healthy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {}))
	t.Cleanup(healthy.Close)
	failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	t.Cleanup(failing.Close)
	address := strings.TrimPrefix(images.URL, "http://")
	p := pipeline{t, []string{"KUBECONFIG=" + s.kubeconfig, "REGISTRY=" + address, "PUSH_REGISTRY=" + address, "DIR=" + t.TempDir(), "TMPDIR=" + t.TempDir(), "DURATION=2s"}}

	if out, ok := p.run(step+"canary", "TAG=v0", "URL="+healthy.URL); ok || !strings.Contains(out, "nothing is deployed") {
		t.Errorf("a canary beside nothing: %v, %s", ok, out)
	}
	p.must("deploy/deploy.sh deploy canary", "TAG=v1")
	p.must(commands[1], "TAG=v2")
	imagesArePrograms(t, address)

	old, canary := s.images(t), map[string]string{"middle-canary": address + "/hopline/middle:v2"}
	p.must(commands[2], "TAG=v2")
	s.wantImages(t, "canary", old, canary)
	if out, ok := p.run(commands[3], "TAG=v2", "URL="+failing.URL); ok {
		t.Errorf("the gate passed although every request failed:\n%s", out)
	}
	p.must(commands[6], "TAG=v2")
	s.wantImages(t, "back", old, nil)

	p.must(commands[2], "TAG=v2")
	p.must(commands[3], "TAG=v2", "URL="+healthy.URL)
	p.must(commands[4], "TAG=v2")
	for workload, image := range s.images(t) {
		if !strings.HasPrefix(image, address+"/hopline/") || !strings.HasSuffix(image, ":v2") {
			t.Errorf("after prod %s runs %s", workload, image)
		}
	}
	p.must(commands[6], "TAG=v2") // the gate after it may fail too
	s.wantImages(t, "back from prod", old, nil)
}

// pipeline runs commands in the checkout.
type pipeline struct {
	t   *testing.T
	env []string
}

func (p pipeline) run(command string, env ...string) (string, bool) {
	cmd := exec.CommandContext(p.t.Context(), "sh", "-c", command)
	cmd.Dir = "../.."
	cmd.Env = slices.Concat(os.Environ(), p.env, env)
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

func (p pipeline) must(command string, env ...string) {
	p.t.Helper()
	if out, ok := p.run(command, env...); !ok {
		p.t.Fatalf("%s %v failed:\n%s", command, env, out)
	}
}

// imagesArePrograms checks the five images in the registry: one layer, the entry point and the user of the Dockerfile.
func imagesArePrograms(t *testing.T, address string) {
	t.Helper()
	for _, service := range []string{"front", "middle", "core", "clock", "bounced"} {
		ref, err := name.ParseReference(address+"/hopline/"+service+":v2", name.Insecure)
		if err != nil {
			t.Fatal(err)
		}
		image, err := remote.Image(ref)
		if err != nil {
			t.Fatal(err)
		}
		config, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		layers, err := image.Layers()
		if err != nil {
			t.Fatal(err)
		}
		if c := config.Config; !slices.Equal(c.Entrypoint, []string{"/service"}) || c.User != "65532:65532" || len(layers) != 1 || config.OS != "linux" {
			t.Errorf("%s: entry point %v, user %q, %d layers, for %s", ref, c.Entrypoint, c.User, len(layers), config.OS)
		}
	}
}

var deploymentKind = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}

// deploymentsBecomeReady does what controllers and kubelets do elsewhere, until the test ends: it reports that all replicas are ready.
func (s *server) deploymentsBecomeReady(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	t.Cleanup(func() { cancel(); <-done })
	go func() {
		defer close(done)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if err := s.reportReady(ctx); err != nil && ctx.Err() == nil {
				t.Errorf("reporting that workloads are ready: %v", err)
			}
		}
	}()
}

func (s *server) reportReady(ctx context.Context) error {
	list, err := s.client.Resource(deploymentKind).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, d := range list.Items {
		if observed, _, _ := unstructured.NestedInt64(d.Object, "status", "observedGeneration"); observed == d.GetGeneration() {
			continue
		}
		n, _, _ := unstructured.NestedInt64(d.Object, "spec", "replicas")
		patch, err := json.Marshal(map[string]any{"status": map[string]any{
			"observedGeneration": d.GetGeneration(), "replicas": n, "updatedReplicas": n, "readyReplicas": n, "availableReplicas": n,
		}})
		if err != nil {
			return err
		}
		_, err = s.client.Resource(deploymentKind).Namespace(d.GetNamespace()).Patch(ctx, d.GetName(), types.MergePatchType, patch, metav1.PatchOptions{}, "status")
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}

// images returns the images of the workloads in namespace hopline, by name.
func (s *server) images(t *testing.T) map[string]string {
	t.Helper()
	list, err := s.client.Resource(deploymentKind).Namespace("hopline").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	images := map[string]string{}
	for _, d := range list.Items {
		containers, _, _ := unstructured.NestedSlice(d.Object, "spec", "template", "spec", "containers")
		for _, c := range containers {
			images[d.GetName()], _ = c.(map[string]any)["image"].(string)
		}
	}
	if len(images) == 0 {
		t.Fatal("no workloads")
	}
	return images
}

// wantImages checks the images of all workloads: the old ones, but for some.
func (s *server) wantImages(t *testing.T, after string, old, but map[string]string) {
	t.Helper()
	for workload, image := range s.images(t) {
		want := old[workload]
		if other, ok := but[workload]; ok {
			want = other
		}
		if image != want {
			t.Errorf("after %s %s runs %s, want %s", after, workload, image, want)
		}
	}
}
