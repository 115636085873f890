package overlay

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what is reported into the test data")

// TestBadInputIsReported loads each archive in testdata/bad. It holds the files of a wrong overlay, to be added to testdata/good, and in
// "want" the expected report.
func TestBadInputIsReported(t *testing.T) {
	t.Parallel()
	archives, err := filepath.Glob("testdata/bad/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			root := t.TempDir()
			if err := os.CopyFS(filepath.Join(root, "good"), os.DirFS("testdata/good")); err != nil {
				t.Fatal(err)
			}
			wanted := -1
			for i, f := range a.Files {
				if f.Name == "want" {
					wanted = i
					continue
				}
				write(t, filepath.Join(root, "bad", f.Name), string(f.Data))
			}
			if wanted < 0 {
				a.Files = append(a.Files, txtar.File{Name: "want"})
				wanted = len(a.Files) - 1
			}
			got := report(t, root)
			if *update {
				a.Files[wanted].Data = []byte(got)
				if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(a.Files[wanted].Data), got); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}

// report loads the overlay "bad" twice and returns its report, with paths relative to root. It loads it twice because the order must not
// vary.
func report(t *testing.T, root string) string {
	t.Helper()
	var texts [2]string
	for i := range texts {
		o, err := Load(filepath.Join(root, "bad"))
		if err == nil {
			t.Fatal("loaded without a report")
		}
		if o == nil || o.Dir == "" || len(o.Files) == 0 {
			t.Fatalf("a broken overlay holds no files to watch: %+v", o)
		}
		if len(o.Deployments)+len(o.VirtualServices) > 0 && strings.Contains(err.Error(), "kustomization") {
			t.Error("a rendering that failed left objects")
		}
		texts[i] = strings.ReplaceAll(err.Error(), filepath.ToSlash(root)+"/", "") + "\n"
	}
	if texts[0] != texts[1] {
		t.Errorf("two reports differ:\n%s\n%s", texts[0], texts[1])
	}
	return texts[0]
}
