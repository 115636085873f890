package mesh

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/internal/shipped"
	"github.com/hopline/hopline/lab/overlay"
)

// TestConditionsAreErrors: a strict overlay is rejected for each condition of its routes that is not true, with the field that is the cause.
func TestConditionsAreErrors(t *testing.T) {
	t.Parallel()
	dir := shipped.Deploy(t)
	file := filepath.Join(dir, "overlays", "gateway-api", "middle.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for edit, want := range map[[2]string]string{
		{"name: middle-dev", "name: middle-dve"}:                  `spec.rules[1].backendRefs[0].name: no Service hopline/middle-dve; did you mean middle-dev? (ResolvedRefs is False: BackendNotFound)`,
		{"kind: Service, name: middle", "kind: Service, name: m"}: `spec.parentRefs[0].name: no Service hopline/m (Accepted is False: NoMatchingParent)`,
	} {
		o, err := overlay.LoadAs(filepath.Join(dir, "overlays", "gateway-api"), map[string][]byte{file: []byte(strings.Replace(string(text), edit[0], edit[1], 1))})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Compile(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", edit[1], err, want)
		}
	}
}

// TestSegments: a prefix of an HTTPRoute matches whole segments, in the index as in the matcher.
func TestSegments(t *testing.T) {
	t.Parallel()
	m := matcher{path: pathMatch{textMatch: textMatch{kind: matchPrefix, text: "/a/b"}}}
	m.path.bySegments()
	rules := []rule{{match: m}}
	for path, want := range map[string]bool{"/a/b": true, "/a/b/": true, "/a/b/c": true, "/a/bc": false, "/a": false, "/A/b": false} {
		if got := newIndex(rules).first(rules, &Request{Path: path}, path, "") == 0; got != want {
			t.Errorf("%s: matches %v, want %v", path, got, want)
		}
	}
	if remove := withoutSegments("/a/b"); remove("/a/b") != "/" || remove("/a/b/c?d") != "/c?d" || remove("/a/b?d") != "/?d" {
		t.Errorf("/a/b replaced by /: got %s, %s, %s", remove("/a/b"), remove("/a/b/c?d"), remove("/a/b?d"))
	}
}
