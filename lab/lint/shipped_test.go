package lint

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/internal/shipped"
)

// The shipped overlays have no fault that is not silenced.
func TestShippedOverlays(t *testing.T) {
	t.Parallel()
	overlays, err := filepath.Glob(filepath.Join(shipped.Deploy(t), "overlays", "*"))
	if err != nil || len(overlays) < 5 {
		t.Fatal(overlays, err)
	}
	for _, dir := range overlays {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if err := (&Command{Paths: []string{dir}}).Execute(t.Context(), nil, &out, false); err != nil {
				t.Errorf("%v\n%s", err, out.String())
			}
		})
	}
}

// docs/lint.md has a section for each code, and no other.
func TestDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/lint.md")
	if err != nil {
		t.Fatal(err)
	}
	var sections, codes []string
	for _, m := range regexp.MustCompile(`(?m)^## (HL\d+: .*)$`).FindAllSubmatch(page, -1) {
		sections = append(sections, string(m[1]))
	}
	for _, c := range Codes() {
		codes = append(codes, c.Name+": "+c.Title)
	}
	if diff := cmp.Diff(codes, sections); diff != "" {
		t.Errorf("docs/lint.md (-codes +sections)\n%s", diff)
	}
}
