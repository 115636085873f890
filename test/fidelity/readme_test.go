package fidelity

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestReadmeNamesWhatIsLeftOut compares README.md with the code: its table has every header that is not compared in full, and no other.
func TestReadmeNamesWhatIsLeftOut(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) > 2 && strings.Contains(cells[1], "`") {
			for name := range strings.SplitSeq(cells[1], ",") {
				named[strings.Trim(name, " `")] = true
			}
		}
	}
	code := map[string]bool{}
	for _, natures := range []map[string]nature{ofAnswers, ofRequests} {
		for name := range natures {
			code[name] = true
		}
	}
	got, want := slices.Sorted(maps.Keys(named)), slices.Sorted(maps.Keys(code))
	if !slices.Equal(got, want) {
		t.Errorf("README.md names %q, want %q", got, want)
	}
}
