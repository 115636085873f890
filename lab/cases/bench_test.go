package cases

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkTest reads 100 rules and runs 1,000 cases, which all hold.
func BenchmarkTest(b *testing.B) {
	dir := b.TempDir()
	var rules, tests strings.Builder
	rules.WriteString("apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: b, namespace: shop}\nspec:\n  hosts: [b]\n  http:\n")
	for i := range 100 {
		fmt.Fprintf(&rules, "  - {name: r%d, match: [{uri: {prefix: /p%d/}}], route: [{destination: {host: b, subset: s%d}}]}\n", i, i, i%3)
	}
	tests.WriteString("rules: rules.yaml\ntests:\n")
	for i := range 1000 {
		fmt.Fprintf(&tests, "- {request: {get: http://b/p%d/%d, from: shop/}, expect: {rule: r%d}}\n", i%100, i, i%100)
	}
	for name, text := range map[string]string{"rules.yaml": rules.String(), "b_test.yaml": tests.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		var out strings.Builder
		if err := (&Command{Paths: []string{dir}}).Execute(b.Context(), nil, &out, false); err != nil {
			b.Fatal(err, out.String())
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms")
	b.ReportMetric(0, "ns/op")
}
