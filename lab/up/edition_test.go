package up

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/internal/shipped"
	"github.com/hopline/hopline/lab/internal/workload"
)

func TestAnEditionKnowsItsProgramsAndWhatIsNotEnforced(t *testing.T) {
	t.Parallel()
	e, err := load(shipped.Overlay(t, "canary"), workload.Programs{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"bounced", "clock", "core", "front", "middle"}, e.needs()); diff != "" {
		t.Errorf("programs (-want +got):\n%s", diff)
	}
	notes := e.notes()
	if len(notes) != 1 || !strings.Contains(notes[0], "PeerAuthentication") {
		t.Errorf("notes %q, want one line with what is accepted and not enforced", notes)
	}
}

// TestAnEditionNamesRulesThatAreNeverReached checks that a rule that no request reaches is a warning at the start and on the console.
func TestAnEditionNamesRulesThatAreNeverReached(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"kustomization.yaml": "resources: [" + relative(t, dir, shipped.Overlay(t, "canary")) + "]\npatches: [{path: patch.yaml}]\n", "patch.yaml": `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: middle, namespace: hopline}
spec:
  http:
    - {name: everybody, route: [{destination: {host: middle, subset: prod}}]}
    - {name: beta, match: [{headers: {x-dev-user: {exact: betaUser}}}], route: [{destination: {host: middle, subset: dev}}]}
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	e, err := load(dir, workload.Programs{})
	if err != nil {
		t.Fatal(err)
	}
	want := "VirtualService hopline/middle beta (http[1]) is never reached: everybody (http[0]) matches every request"
	if !slices.Contains(e.notes(), want) {
		t.Errorf("notes %q, want %q among them", e.notes(), want)
	}
}

// TestAnEditionNamesAllProblemsInOneReport checks that what is wrong with rules and what is wrong with workloads is in one report.
func TestAnEditionNamesAllProblemsInOneReport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"kustomization.yaml": "resources: [" + relative(t, dir, shipped.Overlay(t, "canary")) + "]\npatches: [{path: rule.yaml}, {path: workload.yaml}, {path: image.yaml}]\n",
		"rule.yaml":     "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: middle, namespace: hopline}\nspec: {http: [{route: [{destination: {host: middle, subset: nowhere}}]}]}\n",
		"workload.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: clock, namespace: hopline}\nspec: {template: {spec: {containers: [{name: app, env: [{name: PORT, value: http}]}]}}}\n",
		"image.yaml":    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: bounced, namespace: hopline}\nspec: {template: {spec: {containers: [{name: app, image: nginx}]}}}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, err := load(dir, workload.Programs{Bin: t.TempDir()})
	var at []string
	for _, p := range problemsOf(err) {
		at = append(at, p.Object+" "+p.Path)
	}
	want := []string{"Deployment hopline/bounced spec.template.spec.containers[0].image", "Deployment hopline/clock spec.template.spec.containers[0].env",
		"VirtualService hopline/middle spec.http[0].route[0].destination.subset"}
	if diff := cmp.Diff(want, at); diff != "" {
		t.Errorf("problems (-want +got):\n%s\n%v", diff, err)
	}
}

// relative returns a directory as a file in dir refers to it.
func relative(t *testing.T, dir, to string) string {
	t.Helper()
	to, err := filepath.Abs(to)
	if err != nil {
		t.Fatal(err)
	}
	rel, err := filepath.Rel(dir, to)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.ToSlash(rel)
}

func TestAnEditionThatIsNotThereTellsWhatToWatch(t *testing.T) {
	t.Parallel()
	e, err := load(t.TempDir(), workload.Programs{})
	if err == nil || e.overlay == nil {
		t.Fatalf("error %v, overlay %v; want an error and an overlay with the files to watch", err, e.overlay)
	}
	if len(problemsOf(err)) != 1 {
		t.Errorf("problems %v", problemsOf(err))
	}
}

// BenchmarkEdition measures what a saved change costs before it is applied: rendering the overlay and compiling its rules.
func BenchmarkEdition(b *testing.B) {
	canary := shipped.Overlay(b, "canary")
	for b.Loop() {
		if _, err := load(canary, workload.Programs{}); err != nil {
			b.Fatal(err)
		}
	}
}

// TestLoadingIsLeftWhenTheLabEnds checks that a slow load does not delay the end of the lab.
func TestLoadingIsLeftWhenTheLabEnds(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancel(t.Context())
	begun, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	go func() {
		<-begun
		end()
	}()
	_, err := orCancel(ctx, func() (edition, error) {
		close(begun)
		<-release
		return edition{}, nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}
