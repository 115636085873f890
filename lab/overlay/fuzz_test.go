package overlay

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/internal/shipped"
	"github.com/hopline/hopline/lab/internal/yamltext"
	"github.com/rogpeppe/go-internal/txtar"
)

// seeds adds all available manifests: those shipped, the good ones and the bad ones.
func seeds(f *testing.F) {
	f.Helper()
	err := filepath.WalkDir(shipped.Deploy(f), func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && filepath.Ext(path) == ".yaml" && filepath.Base(path) != "kustomization.yaml" {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			f.Add(content)
		}
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	archives, _ := filepath.Glob("testdata/bad/*.txtar")
	for _, path := range archives {
		a, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range a.Files {
			if strings.HasSuffix(file.Name, ".yaml") {
				f.Add(file.Data)
			}
		}
	}
	for _, path := range []string{"testdata/good/workloads.yaml", "testdata/good/mesh.yaml"} {
		content, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
}

// FuzzDecode checks that no manifest makes decoding panic, that decoding it twice gives the same report, and that an accepted manifest is
// decoded completely.
func FuzzDecode(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, manifest []byte) {
		if len(manifest) > 64<<10 {
			t.Skip("long inputs find nothing more")
		}
		first, count := decodeManifest(manifest)
		again, _ := decodeManifest(manifest)
		if text(first) != text(again) {
			t.Errorf("two decodings differ:\n%s\n%s", text(first), text(again))
		}
		if first.err == nil && len(first.o.Objects()) != count {
			t.Errorf("%d objects of %d passed without a problem", len(first.o.Objects()), count)
		}
	})
}

type decoded struct {
	o   *Overlay
	err error
}

func text(d decoded) string {
	if d.err == nil {
		return ""
	}
	return d.err.Error()
}

func decodeManifest(manifest []byte) (decoded, int) {
	docs, err := yamltext.Parse(manifest)
	if err != nil {
		return decoded{err: err}, 0
	}
	var objects []map[string]any
	for _, d := range docs {
		if m, ok := d.Value.(map[string]any); ok {
			objects = append(objects, m)
		}
	}
	o, report := new(Overlay), new(Report)
	decode(o, objects, nil, report)
	return decoded{o: o, err: report.Err()}, len(objects)
}
