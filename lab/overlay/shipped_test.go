package overlay

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hopline/hopline/lab/internal/shipped"
)

func shippedNames(t *testing.T, overlays string) []string {
	t.Helper()
	entries, err := os.ReadDir(overlays)
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
		t.Fatalf("no overlay in %s", overlays)
	}
	return names
}

func TestEveryShippedOverlayLoads(t *testing.T) {
	t.Parallel()
	overlays := filepath.Join(shipped.Deploy(t), "overlays")
	for _, name := range shippedNames(t, overlays) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, err := Load(filepath.Join(overlays, name))
			if err != nil {
				t.Fatalf("%v", err)
			}
			if len(o.Deployments) == 0 || len(o.Services) == 0 || len(o.Files) < 2 {
				t.Errorf("got %d Deployments, %d Services, %d files", len(o.Deployments), len(o.Services), len(o.Files))
			}
			t.Log(o.NotEnforcedFields, o.NotEnforced, len(o.Files))
		})
	}
}
