package overlay

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExcerpt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"kustomization.yaml": "resources: [all.yaml]\npatches: [{path: patch.yaml}]\n",
		"all.yaml": `# A comment.
apiVersion: v1
kind: Namespace
metadata: {name: hopline}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: far, namespace: hopline}
spec: {hosts: [far.example], location: MESH_EXTERNAL, resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: far, namespace: hopline}
spec:
  hosts: [far.example]
  http:
    - name: first # of two
      match:
        - uri: {prefix: /a}
      route:
        - destination: {host: far.example}

    # the rest
    - name: second
      directResponse:
        status: 200
        body:
          string: |
            two
            lines
`,
		"patch.yaml": "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: far, namespace: hopline}\nspec:\n  hosts:\n    - far.example\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		object, path, file string
		line               int
		text               string
	}{
		{"VirtualService hopline/far", "spec.http[0]", "all.yaml", 17, "    - name: first # of two\n      match:\n        - uri: {prefix: /a}\n      route:\n        - destination: {host: far.example}"},
		{"VirtualService hopline/far", "spec.http[1]", "all.yaml", 24, "    - name: second\n      directResponse:\n        status: 200\n        body:\n          string: |\n            two\n            lines"},
		{"VirtualService hopline/far", "spec.hosts", "patch.yaml", 5, "  hosts:\n    - far.example"},
		{"VirtualService hopline/far", "spec.hosts[0]", "patch.yaml", 6, "    - far.example"},
		{"ServiceEntry hopline/far", "", "all.yaml", 6, "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: far, namespace: hopline}\nspec: {hosts: [far.example], location: MESH_EXTERNAL, resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}]}"},
	} {
		got, ok := o.Excerpt(test.object, test.path)
		if !ok || filepath.Base(got.File) != test.file || got.Line != test.line {
			t.Errorf("%s %s: got %+v, %t, want %s:%d", test.object, test.path, got, ok, test.file, test.line)
		}
		if diff := cmp.Diff(test.text, strings.Join(got.Lines, "\n")); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", test.object, test.path, diff)
		}
	}
	for _, none := range [][2]string{{"VirtualService hopline/near", "spec.http[0]"}, {"VirtualService hopline/far", "specs"}} {
		if got, ok := o.Excerpt(none[0], none[1]); ok {
			t.Errorf("%v: got %+v, want nothing", none, got)
		}
	}
}
