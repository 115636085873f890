package overlay

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hopline/hopline/lab/overlay/snapshot"
)

// The address exists and would respond; the test checks that no request is sent to it.
func TestNothingIsFetched(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = w.Write([]byte(configMap("remote", "1")))
	}))
	defer server.Close()

	for name, kustomization := range map[string]string{
		"resource":    "resources: [" + server.URL + "/x.yaml]",
		"component":   "components: [" + server.URL + "/x]",
		"patch":       "resources: [../base]\npatches: [{path: " + server.URL + "/x.yaml}]",
		"replacement": "resources: [../base]\nreplacements: [{path: " + server.URL + "/x.yaml}]",
		"file":        "configMapGenerator: [{name: x, files: [" + server.URL + "/x]}]",
		"keyed file":  "configMapGenerator: [{name: x, files: [k=" + server.URL + "/x]}]",
		"env":         "configMapGenerator: [{name: x, envs: [" + server.URL + "/x]}]",
		"schema":      "resources: [../base]\nopenapi: {path: " + server.URL + "/x.json}",
		"generator":   "generators: [" + server.URL + "/x.yaml]",
		"transformer": "resources: [../base]\ntransformers: [" + server.URL + "/x.yaml]",
		"inline transformer": "resources: [../base]\ntransformers:\n  - |-\n    apiVersion: builtin\n    kind: PatchTransformer\n" +
			"    metadata: {name: x}\n    path: " + server.URL + "/x.yaml\n",
		"crd":           "resources: [../base]\ncrds: [" + server.URL + "/x.json]",
		"configuration": "resources: [../base]\nconfigurations: [" + server.URL + "/x.yaml]",
		"chart":         "helmCharts: [{name: x, repo: " + server.URL + "}]",
	} {
		t.Run(name, func(t *testing.T) {
			for _, depth := range []string{"top", "top/deep/deeper"} {
				root := small(t)
				dir := filepath.Join(root, depth)
				text := strings.ReplaceAll(kustomization, "../base", strings.Repeat("../", strings.Count(depth, "/")+1)+"base")
				write(t, filepath.Join(dir, "kustomization.yaml"), text)
				if depth != "top" {
					write(t, filepath.Join(root, "top/kustomization.yaml"), "resources: [deep/deeper]\n")
				}
				if _, err := Load(filepath.Join(root, "top")); err == nil {
					t.Error("loaded an overlay with a remote part")
				}
			}
		})
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the remote server got %d requests", n)
	}
}

func TestRemote(t *testing.T) {
	t.Parallel()
	for entry, want := range map[string]bool{
		"../base": false, "a.yaml": false, "./github.com": false, "https": false, "user.yaml": false, "http.yaml": false,
		"https://a/b": true, "HTTP://a/b": true, "http:a": true, "ssh://a/b": true, "file:///a": true, "git::a/b": true,
		"github.com/a/b": true, "GITHUB.com:a/b": true, "git@a:b/c": true, "me@a/b": true, "x://y": true,
	} {
		if got := remote(entry); got != want {
			t.Errorf("remote(%q) = %v, want %v", entry, got, want)
		}
	}
}

// A kustomization file that kustomize reaches by a path other than the inspected one must not be readable.
func TestUncheckedKustomizationIsNotHandedOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "kustomization.yaml")
	write(t, path, "resources: [https://example.com/x]\n")
	disk := snapshot.New()
	if _, err := disk.ReadFile(path); err == nil || !strings.Contains(err.Error(), "has not been checked") {
		t.Errorf("ReadFile gave %v", err)
	}
	if _, err := kustomize(disk, disk.Resolve(dir)); err == nil {
		t.Error("kustomize rendered it")
	}
}

// Kustomize renders what was inspected, even if the file changes in between.
func TestSnapshotReadsEachFileOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.yaml")
	write(t, path, "before")
	disk := snapshot.New()
	first, _ := disk.ReadFile(path)
	write(t, path, "after")
	second, _ := disk.ReadFile(path)
	if string(first) != "before" || string(second) != "before" {
		t.Errorf("read %q, then %q", first, second)
	}
}

func TestSnapshotIsReadOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	disk := snapshot.New()
	path := filepath.Join(dir, "new")
	_, createErr := disk.Create(path)
	for what, err := range map[string]error{
		"Create": createErr, "Mkdir": disk.Mkdir(path), "MkdirAll": disk.MkdirAll(path),
		"WriteFile": disk.WriteFile(path, nil), "RemoveAll": disk.RemoveAll(dir),
	} {
		if err == nil {
			t.Errorf("%s changed the disk", what)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("the directory holds %v, %v", entries, err)
	}
}

// Files that kustomize's restriction excludes from an overlay are not read, so that no message contains their text.
func TestFilesOutsideAreNotRead(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]map[string]string{
		"resource":      {"kustomization.yaml": "resources: [../secret]"},
		"patch":         {"kustomization.yaml": "resources: [../base]\npatches: [{path: ../secret}]"},
		"replacement":   {"kustomization.yaml": "resources: [../base]\nreplacements: [{path: ../secret}]"},
		"generator":     {"kustomization.yaml": "configMapGenerator: [{name: x, envs: [../secret]}]"},
		"link":          {"kustomization.yaml": "resources: [link]", "link": "-> ../secret"},
		"kustomization": {"kustomization.yaml": "-> ../secret"},
		"misspelt":      {"kustomization.yaml": "resources: [../secre]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := small(t)
			write(t, filepath.Join(root, "secret"), "root:x:0:0\n")
			for file, text := range files {
				path := filepath.Join(root, "outside", file)
				if target, isLink := strings.CutPrefix(text, "-> "); isLink {
					if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.Symlink(target, path); err != nil {
						t.Skip(err)
					}
					continue
				}
				write(t, path, text)
			}
			o, err := Load(filepath.Join(root, "outside"))
			if err == nil || strings.Contains(err.Error(), "root:x") || name != "misspelt" && !strings.Contains(err.Error(), "utside") && !strings.Contains(err.Error(), "not below this directory") {
				t.Errorf("Load gave %v", err)
			}
			real, err := filepath.EvalSymlinks(root)
			if err != nil {
				t.Fatal(err)
			}
			if slices.Contains(o.Files, filepath.Join(real, "secret")) {
				t.Errorf("read %v", o.Files)
			}
		})
	}
}

func TestAHugeFileIsRefused(t *testing.T) {
	t.Parallel()
	root := small(t)
	write(t, filepath.Join(root, "top/b.yaml"), strings.Repeat("# padding\n", 4<<20/10+1))
	_, err := Load(filepath.Join(root, "top"))
	if err == nil || !strings.Contains(err.Error(), "want at most") {
		t.Errorf("Load gave %v", err)
	}
}

func TestDeepNestingIsRefused(t *testing.T) {
	t.Parallel()
	root := small(t)
	write(t, filepath.Join(root, "top/b.yaml"), "data: "+strings.Repeat("[", 20000)+strings.Repeat("]", 20000)+"\n")
	_, err := Load(filepath.Join(root, "top"))
	if err == nil || !strings.Contains(err.Error(), "max depth") {
		t.Errorf("Load gave %v", err)
	}
}

func TestAnOverlayThatIsNoneIsReported(t *testing.T) {
	t.Parallel()
	root := small(t)
	for path, want := range map[string]string{
		filepath.Join(root, "nowhere"):    "no such overlay: want a directory with a kustomization.yaml",
		filepath.Join(root, "top/b.yaml"): "want a directory with a kustomization.yaml, got a file",
		root:                              "no kustomization.yaml in this directory",
	} {
		o, err := Load(path)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Load(%s) gave %v, want %s", path, err, want)
		}
		if o == nil || len(o.Files) == 0 {
			t.Errorf("Load(%s) gives nothing to watch", path)
		}
	}
}
