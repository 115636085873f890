package up

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/internal/shipped"
	"github.com/hopline/hopline/lab/internal/tty"
	"github.com/hopline/hopline/lab/internal/workload"
)

func TestASavedChangeOfWeightsIsSaidInWords(t *testing.T) {
	t.Parallel()
	dir := shipped.Overlay(t, "canary")
	edited := func(old, new string) edition {
		t.Helper()
		file := filepath.Join(dir, "middle.yaml")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), old, new)), 0o644); err != nil {
			t.Fatal(err)
		}
		e, err := load(dir, workload.Programs{})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	first := edited("", "")
	second := edited("weight: 80", "weight: 10")
	want := []string{"middle everybody: prod 80 → 33.3, canary 20 → 66.7"}
	if diff := cmp.Diff(want, sharesChanged(first.table.Rules(), second.table.Rules())); diff != "" {
		t.Errorf("after the edit (-want +got):\n%s", diff)
	}
	third := edited("        - {destination: {host: middle, port: {number: 80}, subset: canary}, weight: 20}\n", "")
	want = []string{"middle everybody: prod 33.3 → 100, canary 66.7 → 0"}
	if diff := cmp.Diff(want, sharesChanged(second.table.Rules(), third.table.Rules())); diff != "" {
		t.Errorf("without canary (-want +got):\n%s", diff)
	}
	if got := sharesChanged(third.table.Rules(), third.table.Rules()); got != nil {
		t.Errorf("with no change: %q", got)
	}
}

func TestTheEndOfTheStartNamesAFile(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"canary": "Edit shop/middle.yaml, save, and watch the traffic shift.",
		"dev":    "",
		"plain":  "Edit a file of shop and save: it is live immediately.",
	} {
		e, err := load(shipped.Overlay(t, name), workload.Programs{})
		if err != nil {
			t.Fatal(err)
		}
		got := whatToEdit("shop", e)
		if want == "" { // no weights: any of the overlay's own files
			file, _, _ := strings.Cut(strings.TrimPrefix(got, "Edit shop/"), " ")
			if _, err := os.Stat(filepath.Join(e.overlay.Dir, file)); err != nil || strings.Contains(got, "traffic") {
				t.Errorf("%s: %q, want an invitation to edit a file that is there", name, got)
			}
		} else if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestLongLinesFoldBetweenWords(t *testing.T) {
	t.Parallel()
	say := func(t *terminal) {
		t.say("  %s", "a line of more words than there are columns")
		t.warn("and a warning that is just as long as that")
	}
	want := "  a line of more\n    words than there\n    are columns\n! and a warning that\n  is just as long as\n  that\n"
	if diff := cmp.Diff(want, spoken(tty.Screen{TTY: true, Wide: 20, High: 24}, false, say)); diff != "" {
		t.Errorf("on 20 columns (-want +got):\n%s", diff)
	}
	if got := spoken(tty.Screen{}, false, say); strings.Count(got, "\n") != 2 {
		t.Errorf("off a terminal: %q, want two lines", got)
	}
}
