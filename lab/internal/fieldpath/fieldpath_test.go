package fieldpath

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestStepsOfWhatJoinWrites(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.StringN(1, 20, -1), 1, 5).Draw(t, "keys")
		if rapid.Bool().Draw(t, "annotations") {
			keys = append([]string{"metadata", "annotations"}, keys...)
		}
		path := ""
		for i, key := range keys {
			if i > 0 || IsPlain(key) {
				path = Join(path, key)
				continue
			}
			keys[0], path = "spec", "spec"
		}
		if diff := cmp.Diff(keys, Steps(path)); diff != "" {
			t.Errorf("steps of %s (-want +got):\n%s", path, diff)
		}
		if diff := cmp.Diff(keys, PointerSteps(Pointer(path))); diff != "" {
			t.Errorf("steps of the pointer %s (-want +got):\n%s", Pointer(path), diff)
		}
	})
}

func TestSteps(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]string{"spec", "http", "10", "match", "0", "headers", "x/y"}, Steps(`spec.http[10].match[0].headers["x/y"]`)); diff != "" {
		t.Error(diff)
	}
	if got, want := Pointer(`spec.a["x/y~z"][0]`), "/spec/a/x~1y~0z/0"; got != want {
		t.Errorf("pointer: got %s, want %s", got, want)
	}
}

func TestCompareOrdersNumbers(t *testing.T) {
	t.Parallel()
	sorted := []string{"", "spec", "spec.http[2]", "spec.http[2].match[1]", "spec.http[10]", "spec.tcp"}
	got := slices.SortedFunc(slices.Values([]string{sorted[4], sorted[2], sorted[5], sorted[0], sorted[3], sorted[1]}), Compare)
	if diff := cmp.Diff(sorted, got); diff != "" {
		t.Error(diff)
	}
}

func TestQuoteShortens(t *testing.T) {
	t.Parallel()
	if got, want := Quote(strings.Repeat("a\n", 60)), strconv.Quote(strings.Repeat("a\n", 40))+"…"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
