package lint

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
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

// docs/compared.md says what lint finds in the files of docs/compared.
func TestCompared(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/compared.md")
	if err != nil {
		t.Fatal(err)
	}
	faults, _, _ := strings.Cut(string(page), "\n## Requests")
	rows := regexp.MustCompile(`(?m)^\| \[.*\]\((compared/.*)\) \|.*\| (.*) \|.*\|$`).FindAllStringSubmatch(faults, -1)
	if len(rows) < 9 {
		t.Fatalf("docs/compared.md has %d files, want at least 9", len(rows))
	}
	code := regexp.MustCompile(`\bHL\d+\b`)
	for _, row := range rows {
		var out bytes.Buffer
		_ = (&Command{Paths: []string{filepath.Join("../../docs", row[1])}}).Execute(t.Context(), nil, &out, false)
		got, want := code.FindAllString(out.String(), -1), code.FindAllString(row[2], -1)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: docs/compared.md says %v, lint finds\n%s", row[1], want, out.String())
		}
	}
}
