package drive

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/internal/bundle"
	"github.com/hopline/hopline/lab/internal/shipped"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

var half = Request{Kind: Weights, Object: "middle", Rule: "everybody", Value: json.RawMessage("[50, 50]")}

// tree returns the contents of all files below a directory.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		files[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestKeep keeps the weights of a rule: only the weights change, in one file of the overlay, and the change is off the list.
func TestKeep(t *testing.T) {
	t.Parallel()
	d, l := begin(t, "canary")
	deploy := filepath.Dir(filepath.Dir(d.Dir()))
	want := tree(t, deploy)
	file := filepath.Join(d.Dir(), "middle.yaml")
	want[file] = strings.NewReplacer("weight: 80", "weight: 50", "weight: 20", "weight: 50").Replace(want[file])
	c := do(t, d, half)
	before := l.applied
	files, err := d.Keep(c.ID)
	if err != nil || len(files) != 1 || files[0] != "middle.yaml" {
		t.Fatalf("kept in %v, %v, want middle.yaml", files, err)
	}
	got := tree(t, deploy)
	for path, text := range got {
		if text != want[path] {
			t.Errorf("%s is\n%s\nwant\n%s", path, text, want[path])
		}
	}
	if len(got) != len(want) {
		t.Errorf("there are %d files, want %d", len(got), len(want))
	}
	if same, object := before.Rendered(l.applied); !same || len(d.Changes()) != 0 {
		t.Errorf("after keep %s differs and there are %d changes, want the same rules and no change", object, len(d.Changes()))
	}
}

// TestNotKept tries to keep where the files must not change: nothing is written, and the change stays.
func TestNotKept(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		overlay string
		prepare func(t *testing.T, dir string)
		request Request
		want    string
	}{
		"of another overlay": {overlay: "retry", request: half, want: "canary" + string(filepath.Separator) + "middle.yaml, which other overlays may read too"},
		"read-only": {overlay: "canary", request: half, want: "middle.yaml is read-only", prepare: func(t *testing.T, dir string) {
			if err := os.Chmod(filepath.Join(dir, "middle.yaml"), 0o444); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, _ := begin(t, c.overlay)
			dir := d.Dir()
			if c.prepare != nil {
				c.prepare(t, dir)
				d, _ = beginAt(t, dir)
			}
			before := tree(t, filepath.Dir(filepath.Dir(dir)))
			change := do(t, d, c.request)
			_, err := d.Keep(change.ID)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasSuffix(err.Error(), "its patch can be copied instead") {
				t.Errorf("got %v, want %s and the patch", err, c.want)
			}
			for path, text := range tree(t, filepath.Dir(filepath.Dir(dir))) {
				if text != before[path] {
					t.Errorf("%s has changed", path)
				}
			}
			if len(d.Changes()) != 1 {
				t.Errorf("there are %d changes, want 1", len(d.Changes()))
			}
		})
	}
}

// TestKeepChangedMeanwhile saves a file after it was read: keep does not overwrite what was saved.
func TestKeepChangedMeanwhile(t *testing.T) {
	t.Parallel()
	d, _ := begin(t, "canary")
	c := do(t, d, half)
	file := filepath.Join(d.Dir(), "middle.yaml")
	saved := "# saved by another user\n"
	if err := os.WriteFile(file, []byte(saved), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Keep(c.ID); err == nil || !strings.Contains(err.Error(), "middle.yaml was changed meanwhile") {
		t.Errorf("got %v, want that the file was changed", err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != saved {
		t.Errorf("the file is %q, %v, want it as it was saved", text, err)
	}
}

// TestKeepInTheBundle refuses to edit an overlay that hopline contains.
func TestKeepInTheBundle(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	t.Setenv("LocalAppData", t.TempDir())
	contained, err := bundle.Overlays()
	if err == nil {
		err = shipped.Write(contained) // in place of the checkout's deploy/, which its user edits
	}
	if err != nil {
		t.Fatal(err)
	}
	d, _ := beginAt(t, filepath.Join(contained, "overlays", "canary"))
	c := do(t, d, half)
	if _, err := d.Keep(c.ID); err == nil || !strings.Contains(err.Error(), "hopline init DIR writes a copy") {
		t.Errorf("got %v, want how to get a copy", err)
	}
}

// TestWriteFollowsNoLink replaces the directory of a file by a link to the outside after the file was read: nothing is written there.
func TestWriteFollowsNoLink(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	victim := filepath.Join(outside, "rule.yaml")
	if err := os.WriteFile(victim, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "rules")); err != nil {
		t.Skip(err)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = write(dir, []overlay.Rewritten{{Path: filepath.Join(real, "rules", "rule.yaml"), Before: []byte("old"), After: []byte("new")}})
	if text, readErr := os.ReadFile(victim); err == nil || readErr != nil || string(text) != "old" {
		t.Errorf("error %v, and the file outside is %q, want an error and no change", err, text)
	}
}

// TestPatch adds the patch of each kind of change to the kustomization file of the overlay: it renders as the change does.
func TestPatch(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]Request{
		"weights": half,
		"fault":   {Kind: Fault, Object: "middle", Rule: "everybody", Value: json.RawMessage(`{"abort":{"httpStatus":503,"percentage":{"value":12.5}}}`)},
		"timeout": {Kind: Timeout, Object: "hopline/core", Rule: "http[1]", Value: json.RawMessage(`"1500ms"`)},
		"retries": {Kind: Retries, Object: "bounced", Value: json.RawMessage(`{"attempts":3,"retryOn":"5xx,reset"}`)},
		"mirror":  {Kind: Mirror, Object: "middle", Rule: "beta", Value: json.RawMessage(`{"destination":{"host":"middle","subset":"canary"},"percentage":{"value":50}}`)},
		"scale":   {Kind: Scale, Workload: "core-prod", Value: json.RawMessage("3")},
		"stop":    {Kind: Stop, Workload: "hopline/core-test"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, l := begin(t, "canary")
			c := do(t, d, r)
			patch, err := d.Patch(c.ID)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(d.Dir(), "kustomization.yaml")
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, append(text, patch...), 0o644); err != nil {
				t.Fatal(err)
			}
			patched, _, err := mesh.Load(d.Dir())
			if err != nil {
				t.Fatalf("%v\n%s", err, patch)
			}
			if same, object := l.applied.Rendered(patched); !same {
				t.Errorf("%s differs with the patch\n%s", object, patch)
			}
		})
	}
}
