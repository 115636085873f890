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
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/rules"
)

// The shipped overlays have no fault that is not silenced.
func TestShippedOverlays(t *testing.T) {
	t.Parallel()
	for _, dir := range shipped.Overlays(t) {
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

// Where all objects are known, an HTTPRoute that no request reaches is a finding too, and so is a rule that another HTTPRoute hides.
func TestUnreachedRoutes(t *testing.T) {
	t.Parallel()
	const more = `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: twice, namespace: hopline}
spec:
  parentRefs: [{group: "", kind: Service, name: middle}]
  rules:
    - {name: again, matches: [{headers: [{name: x-dev-user, value: betaUser}]}], backendRefs: [{name: middle-prod, port: 80}]}
    - {name: slow, matches: [{path: {value: /slow}}], backendRefs: [{name: middle-dev, port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: for-nobody, namespace: hopline-outside}
spec:
  parentRefs: [{group: "", kind: Service, name: middle, namespace: hopline}]
  rules: [{backendRefs: [{name: worldtimeapi, port: 80}]}]
`
	dir := shipped.Edited(t, "gateway-api", "middle.yaml", func(text string) string { return text + more })
	o, table, err := mesh.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	findings, _, err := Check(rules.Of(o, table, dir), []string{"HL006"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range findings {
		got = append(got, f.Code+" "+f.Object+" "+f.Path+": "+f.Text)
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{
		"HL001 HTTPRoute hopline/twice spec.rules[0]: rule again is never reached: HTTPRoute hopline/middle beta (rules[1].matches[0]) matches every such request",
		"HL002 HTTPRoute hopline-outside/for-nobody spec.parentRefs: is never used: no gateway and no workload that calls its hosts has a rule of it",
	}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
