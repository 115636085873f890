package overlay

import (
	"path/filepath"
	"testing"

	"github.com/hopline/hopline/lab/internal/shipped"
)

func TestEveryShippedOverlayLoads(t *testing.T) {
	t.Parallel()
	for _, dir := range shipped.Overlays(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			o, err := Load(dir)
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
