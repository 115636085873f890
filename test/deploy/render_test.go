package deploy

import (
	"bytes"
	"cmp"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const root = "../../deploy"

// object is one rendered object: its identity and its content.
type object struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name        string            `json:"name"`
		Namespace   string            `json:"namespace"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	raw []byte // as JSON
}

func (o object) String() string {
	return o.APIVersion + " " + o.Kind + " " + o.Metadata.Namespace + "/" + o.Metadata.Name
}

// overlays returns the directories in deploy/overlays: none is forgotten.
func overlays(t *testing.T) []string {
	t.Helper()
	return directories(t, "overlays")
}

func directories(t *testing.T, below string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root, below))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		t.Fatalf("no directories below deploy/%s", below)
	}
	return names
}

// render renders a directory with kustomize's library, sorted by object.
func render(t *testing.T, dir string) []object {
	t.Helper()
	m, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatalf("kustomize %s: %v", dir, err)
	}
	out, err := m.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return split(t, out)
}

func renderOverlay(t *testing.T, name string) []object {
	t.Helper()
	return render(t, filepath.Join(root, "overlays", name))
}

// renderWith renders an overlay with further components, as a user's own overlay does.
func renderWith(t *testing.T, overlay string, components ...string) []object {
	t.Helper()
	for i := range components {
		components[i] = "components/" + components[i]
	}
	return renderOn(t, "overlays/"+overlay, components...)
}

// renderOn does the same for any directories in deploy/.
func renderOn(t *testing.T, base string, components ...string) []object {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	k := types.Kustomization{TypeMeta: types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind}}
	relative := func(path string) string {
		path, err := filepath.Abs(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		if path, err = filepath.Rel(dir, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	k.Resources = []string{relative(base)}
	for _, c := range components {
		k.Components = append(k.Components, relative(c))
	}
	out, err := yaml.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), out, 0o600); err != nil {
		t.Fatal(err)
	}
	return render(t, dir)
}

func split(t *testing.T, stream []byte) []object {
	t.Helper()
	var objects []object
	for _, doc := range bytes.Split(append([]byte("\n"), stream...), []byte("\n---\n")) {
		raw, err := yaml.YAMLToJSONStrict(doc)
		if err != nil {
			t.Fatalf("%v in\n%s", err, doc)
		}
		o := object{raw: raw}
		if err := yaml.Unmarshal(raw, &o); err != nil {
			t.Fatal(err)
		}
		objects = append(objects, o)
	}
	slices.SortFunc(objects, func(a, b object) int { return cmp.Compare(a.String(), b.String()) })
	return objects
}

// names returns the objects' names, one for each.
func names(objects []object) []string {
	var all []string
	for _, o := range objects {
		all = append(all, o.String())
	}
	return all
}

// TestKubectlRendersTheSame: people apply overlays with kubectl, the lab renders them with the library: both must get the same.
func TestKubectlRendersTheSame(t *testing.T) {
	t.Parallel()
	kubectl := os.Getenv("KUBECTL")
	if kubectl == "" {
		var err error
		if kubectl, err = exec.LookPath("kubectl"); err != nil {
			t.Skip("no kubectl: neither in KUBECTL nor in PATH")
		}
	}
	for _, name := range overlays(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := exec.Command(kubectl, "kustomize", filepath.Join(root, "overlays", name)).Output()
			if err != nil {
				if e := (*exec.ExitError)(nil); errors.As(err, &e) {
					t.Fatalf("%v: %s", err, e.Stderr)
				}
				t.Fatal(err)
			}
			ours, theirs := renderOverlay(t, name), split(t, out)
			if d := gocmp.Diff(names(ours), names(theirs)); d != "" {
				t.Fatalf("objects (-library +kubectl):\n%s", d)
			}
			for i := range ours {
				if d := gocmp.Diff(string(ours[i].raw), string(theirs[i].raw)); d != "" {
					t.Errorf("%s (-library +kubectl):\n%s", ours[i], d)
				}
			}
		})
	}
}

// TestMeshOverlaysHoldTheSameObjects: applying one of these overlays replaces the rules of another and leaves nothing behind, because they
// hold the same objects.
func TestMeshOverlaysHoldTheSameObjects(t *testing.T) {
	t.Parallel()
	canary := names(renderOverlay(t, "canary"))
	for _, name := range []string{"prod", "dev", "beta", "stress", "retry", "split", "fault", "timeout", "mirror", "circuit", "denied"} {
		if d := gocmp.Diff(canary, names(renderOverlay(t, name))); d != "" {
			t.Errorf("canary and %s differ (-canary +%s):\n%s", name, name, d)
		}
	}
}

// TestKustomizationsAreCurrent: nothing deprecated by kustomize, no unknown fields, and every component can be added to an overlay.
func TestKustomizationsAreCurrent(t *testing.T) {
	t.Parallel()
	count := 0
	err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Base(path) != "kustomization.yaml" {
			return err
		}
		count++
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var k types.Kustomization
		if err := k.Unmarshal(raw); err != nil {
			t.Errorf("%s: %v", path, err)
			return nil
		}
		if old := k.CheckDeprecatedFields(); old != nil && len(*old) > 0 {
			t.Errorf("%s: %v", path, *old)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if least := len(overlays(t)) + len(directories(t, "components")); count < least {
		t.Errorf("%d kustomizations, want at least one for each of %d overlays and components", count, least)
	}
}
