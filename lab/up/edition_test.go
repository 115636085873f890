package up

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/internal/shipped"
)

func TestAnEditionKnowsItsProgramsAndWhatIsNotEnforced(t *testing.T) {
	t.Parallel()
	e, err := load(shipped.Overlay(t, "canary"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"bounced", "clock", "core", "front", "middle"}, e.programs()); diff != "" {
		t.Errorf("programs (-want +got):\n%s", diff)
	}
	notes := e.notes()
	if len(notes) != 1 || !strings.Contains(notes[0], "PeerAuthentication") {
		t.Errorf("notes %q, want one line with what is accepted and not enforced", notes)
	}
}

func TestAnEditionThatIsNotThereTellsWhatToWatch(t *testing.T) {
	t.Parallel()
	e, err := load(t.TempDir())
	if err == nil || e.overlay == nil {
		t.Fatalf("error %v, overlay %v; want an error and an overlay with the files to watch", err, e.overlay)
	}
	if len(problemsOf(err)) != 1 {
		t.Errorf("problems %v", problemsOf(err))
	}
}

// BenchmarkEdition is what a saved change costs before it is in force: rendering the overlay and compiling its rules.
func BenchmarkEdition(b *testing.B) {
	canary := shipped.Overlay(b, "canary")
	for b.Loop() {
		if _, err := load(canary); err != nil {
			b.Fatal(err)
		}
	}
}

// An overlay that takes long to load keeps nobody from ending the lab.
func TestLoadingIsLeftWhenTheLabEnds(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancel(t.Context())
	begun, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	go func() {
		<-begun
		end()
	}()
	_, err := orEnd(ctx, func() (edition, error) {
		close(begun)
		<-release
		return edition{}, nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}
