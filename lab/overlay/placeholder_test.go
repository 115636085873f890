package overlay

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hopline/hopline/lab/internal/yamltext"
	"github.com/hopline/hopline/lab/overlay/placeholder"
	"github.com/hopline/hopline/lab/overlay/snapshot"
	"pgregory.net/rapid"
)

// TestPlaceholdersRenderAsTheObjectsThemselves checks that an overlay renders the same with placeholders as without them.
func TestPlaceholdersRenderAsTheObjectsThemselves(t *testing.T) {
	t.Parallel()
	stoodIn := 0
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "placeholder-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		for name, content := range someOverlay(t) {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		whole, wholeErr := renderWhole(filepath.Join(dir, "top"))
		report, disk := new(Report), snapshot.New()
		got := render(disk, filepath.Join(dir, "top"), report, false)
		if wholeErr != nil {
			decode(new(Overlay), got.objects, got.doubts, report) // which reports duplicates that kustomize has not reported
			if report.Err() == nil {
				t.Fatalf("no error, want %v", wholeErr)
			}
			return
		}
		if err := report.Err(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(whole, got.objects); diff != "" {
			t.Fatalf("objects (-whole +with placeholders):\n%s", diff)
		}
		stoodIn += len(disk.Reduced)
	})
	if stoodIn == 0 {
		t.Error("no overlay had a placeholder")
	}
}

// TestThousandsOfObjectsAreOneToKustomize checks that thousands of similar objects pass through kustomize as one, at their position among
// the others.
func TestThousandsOfObjectsAreOneToKustomize(t *testing.T) {
	t.Parallel()
	var rules strings.Builder
	rules.WriteString("apiVersion: v1\nkind: Namespace\nmetadata: {name: hopline}\n")
	for i := range 3_000 {
		fmt.Fprintf(&rules, "---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: out-%d, namespace: hopline}\n"+
			"spec: {hosts: [host-%[1]d.example], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS}\n", i)
	}
	dir := t.TempDir()
	for name, content := range map[string]string{"kustomization.yaml": "namePrefix: my-\nresources: [rules.yaml]\n", "rules.yaml": rules.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(o.ServiceEntries); n != 3_000 || o.ServiceEntries[2_999].Name != "my-out-2999" || o.ServiceEntries[2_999].Spec.Hosts[0] != "host-2999.example" {
		t.Errorf("%d ServiceEntries, want my-out-0 to my-out-2999 with their hosts", n)
	}
	disk, report := snapshot.New(), new(Report)
	render(disk, dir, report, false)
	docs, err := yamltext.Parse(disk.Reduced[disk.Resolve(filepath.Join(dir, "rules.yaml"))])
	if err != nil || len(docs) != 2 {
		t.Errorf("kustomize reads %d objects (%v), want the Namespace and one for all the others", len(docs), err)
	}
}

// renderWhole lets kustomize render every object itself.
func renderWhole(dir string) ([]map[string]any, error) {
	report, disk := new(Report), snapshot.New()
	root := disk.Resolve(dir)
	newInspector(disk, report, func(path string) string { return path }).directory(root)
	if err := report.Err(); err != nil {
		return nil, err
	}
	resources, err := kustomize(disk, root)
	if err != nil {
		return nil, err
	}
	objects := rendered(resources, new(placeholder.Set), report)
	return objects, report.Err()
}

// someOverlay returns the files of an overlay top over a base, with a component.
func someOverlay(t *rapid.T) map[string]string {
	files := map[string]string{
		"base/rules.yaml":         someObjects(t, "b"),
		"part/rules.yaml":         someObjects(t, "p"),
		"top/rules.yaml":          someObjects(t, "t"),
		"top/patch.yaml":          "apiVersion: v1\nkind: Service\nmetadata: {name: b-0}\nspec: {type: NodePort}\n",
		"base/kustomization.yaml": "resources: [rules.yaml]\n" + someTransforms(t),
		"part/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [rules.yaml]\n" + someTransforms(t),
		"top/kustomization.yaml":  "resources: [../base, rules.yaml]\ncomponents: [../part]\n" + someTransforms(t),
	}
	return files
}

func someTransforms(t *rapid.T) string {
	var all strings.Builder
	transforms := []string{
		"namespace: other\n", "namePrefix: pre-\n", "nameSuffix: -post\n",
		"labels: [{pairs: {team: one}}]\n", "labels: [{pairs: {team: two}, includeSelectors: true}]\n", "labels: [{pairs: {a: b}, fields: [{path: spec/hosts, create: true}]}]\n",
		"commonAnnotations: {note: here}\n", "sortOptions: {order: legacy}\n",
		"images: [{name: front, newTag: v2}]\n", "generatorOptions: {labels: {x: z}}\n", "buildMetadata: [originAnnotations, managedByLabel]\n",
		"configMapGenerator: [{name: copy, files: [rules.yaml]}]\n",
		"patches: [{target: {kind: VirtualService}, patch: '[{\"op\": \"add\", \"path\": \"/spec\", \"value\": {\"patched\": 1}}]'}]\n",
		"patches: [{target: {kind: Virtual.*}, patch: '[{\"op\": \"add\", \"path\": \"/spec\", \"value\": {\"patched\": 1}}]'}]\n",
		"patches: [{target: {name: b-1}, patch: '[{\"op\": \"add\", \"path\": \"/metadata/labels\", \"value\": {\"p\": \"q\"}}]'}]\n",
		"patches: [{patch: '{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: b-1}, $patch: delete}'}]\n",
		"replacements: [{source: {kind: VirtualService, name: b-1, fieldPath: spec.n}, targets: [{select: {kind: DestinationRule}, fieldPaths: [spec.n]}]}]\n",
	}
	for range rapid.IntRange(0, 2).Draw(t, "transforms") {
		text := rapid.SampledFrom(transforms).Draw(t, "transform")
		if field, _, _ := strings.Cut(text, ":"); !strings.Contains(all.String(), field) {
			all.WriteString(text)
		}
	}
	return all.String()
}

func someObjects(t *rapid.T, prefix string) string {
	kinds := []string{"networking.istio.io/v1 VirtualService", "networking.istio.io/v1 VirtualService", "networking.istio.io/v1 DestinationRule", "v1 Service", "v1 ConfigMap"}
	specs := []string{"", "spec: null\n", "spec: {hosts: [a, \"*\"], n: 1.50, big: 12345678901234567890, when: 2001-02-03, none: null}\n",
		"spec:\n  text: |\n    two\n     lines # of text\n  # a comment\n  http:\n    - match: [{uri: {prefix: /a}}]\n      template: {spec: {containers: [{image: front}]}}\n"}
	metadata := []string{"", "", "", ", namespace: here", ", labels: {l: \"1\"}", ", annotations: {config.kubernetes.io/local-config: \"true\"}", ", annotations: {a: b}"}
	var all strings.Builder
	pick := func(list []string) string { return rapid.SampledFrom(list).Draw(t, "pick") }
	kind, meta := pick(kinds), pick(metadata)
	for i := range rapid.IntRange(1, 5).Draw(t, "objects") {
		if rapid.IntRange(0, 2).Draw(t, "changes") == 0 {
			kind, meta = pick(kinds), pick(metadata)
		}
		version, name, _ := strings.Cut(kind, " ")
		all.WriteString(pick([]string{"---\n", "---\n", "---\n", "--- # next\n", "---\n# of the next\n---\n\n"}))
		fmt.Fprintf(&all, "apiVersion: %s\nkind: %s\nmetadata: {name: %s-%d%s}\n%s", version, name, prefix, i, meta, pick(specs))
		all.WriteString(pick([]string{"", "", "", "# the end\n", "---\n"}))
	}
	return all.String()
}
