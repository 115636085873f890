package diff

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/hopline/hopline/lab/compare"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// write writes a VirtualService of host b with n rules, each with a path and a header of its own, and returns its path. The last rule has
// the subset last.
func write(tb testing.TB, n int, last string) string {
	tb.Helper()
	var text strings.Builder
	text.WriteString("apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: b, namespace: shop}\nspec:\n  hosts: [b]\n  http:\n")
	for i := range n {
		subset := fmt.Sprintf("s%d", i%3)
		if i == n-1 {
			subset = last
		}
		fmt.Fprintf(&text, "  - {match: [{uri: {prefix: /p%d/}, headers: {x: {exact: v%d}}}], route: [{destination: {host: b, subset: %s}}]}\n", i, i%7, subset)
	}
	path := filepath.Join(tb.TempDir(), "rules.yaml")
	if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
		tb.Fatal(err)
	}
	return path
}

// TestOneOfManyRules changes the subset of the last rule: that is the one difference, and with the same rules there is none.
func TestOneOfManyRules(t *testing.T) {
	t.Parallel()
	old, edited := write(t, 50, "s1"), write(t, 50, "s2")
	var out strings.Builder
	if err := (&Command{Old: old, New: edited}).Execute(t.Context(), nil, &out); !errors.Is(err, compare.ErrDiffer) {
		t.Fatalf("got %v, want compare.ErrDiffer", err)
	}
	if !strings.Contains(out.String(), "/p49/") || strings.Contains(out.String(), "/p48/") {
		t.Errorf("want an example for the last rule only, got\n%s", out.String())
	}
	if err := (&Command{Old: old, New: old}).Execute(t.Context(), nil, &out); err != nil {
		t.Errorf("the same rules differ: %v", err)
	}
}

// BenchmarkDiff reads 1,000 rules twice and compares all requests. One rule differs.
func BenchmarkDiff(b *testing.B) {
	old, edited := write(b, 1000, "s1"), write(b, 1000, "s2")
	for b.Loop() {
		var out strings.Builder
		if err := (&Command{Old: old, New: edited}).Execute(b.Context(), nil, &out); !errors.Is(err, compare.ErrDiffer) {
			b.Fatal(err, out.String())
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms")
	b.ReportMetric(0, "ns/op")
}
