package overlay

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/internal/shipped"
)

func number(text string) json.Number { return json.Number(text) }

// rule is the path of a rule of VirtualService hopline/middle.
const rule = "VirtualService hopline/middle"

// lines returns the lines that two texts do not have in common, with - and + before them.
func lines(before, after string) string {
	a, b := strings.SplitAfter(before, "\n"), strings.SplitAfter(after, "\n")
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	var out strings.Builder
	for _, line := range a {
		out.WriteString("-" + line)
	}
	for _, line := range b {
		out.WriteString("+" + line)
	}
	return out.String()
}

// TestRewrite edits copies of shipped overlays: exactly the given lines change, and all other bytes are the same.
func TestRewrite(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		overlay string
		prepare func(text string) string // of file
		edits   []Edit
		file    string
		want    string
	}{
		"two weights in flow mappings": {overlay: "canary", file: "middle.yaml",
			edits: []Edit{{rule, "spec.http[1].route[0].weight", number("50")}, {rule, "spec.http[1].route[1].weight", number("50")}},
			want: `-        - {destination: {host: middle, port: {number: 80}, subset: prod}, weight: 80}
-        - {destination: {host: middle, port: {number: 80}, subset: canary}, weight: 20}
+        - {destination: {host: middle, port: {number: 80}, subset: prod}, weight: 50}
+        - {destination: {host: middle, port: {number: 80}, subset: canary}, weight: 50}
`},
		"the same weight": {overlay: "canary", file: "middle.yaml", edits: []Edit{{rule, "spec.http[1].route[0].weight", number("80")}}},
		"a weight with a comment behind it, and Windows line ends": {overlay: "canary", file: "middle.yaml",
			prepare: func(s string) string {
				return strings.ReplaceAll(strings.ReplaceAll(s, "weight: 20}", "weight: 20} # the new one"), "\n", "\r\n")
			},
			edits: []Edit{{rule, "spec.http[1].route[1].weight", number("5")}},
			want: "-        - {destination: {host: middle, port: {number: 80}, subset: canary}, weight: 20} # the new one\r\n" +
				"+        - {destination: {host: middle, port: {number: 80}, subset: canary}, weight: 5} # the new one\r\n"},
		"a new field of a block, and of a flow mapping": {overlay: "canary", file: "middle.yaml",
			edits: []Edit{
				{rule, "spec.http[0].timeout", "2s"},
				{rule, "spec.http[0].route[0].weight", number("1")},
			},
			want: `-        - {destination: {host: middle, port: {number: 80}, subset: dev}}
+        - {destination: {host: middle, port: {number: 80}, subset: dev}, weight: 1}
+      timeout: 2s
`},
		"at the end of a file without a line end": {overlay: "canary", file: "middle.yaml", prepare: func(s string) string { return strings.TrimSuffix(s, "\n") },
			edits: []Edit{{rule, "spec.http[1].fault", map[string]any{"abort": map[string]any{"httpStatus": number("503"), "percentage": map[string]any{"value": number("10")}}}}},
			want: `-        - {destination: {host: middle, port: {number: 80}, subset: canary}, weight: 20}+        - {destination: {host: middle, port: {number: 80}, subset: canary}, weight: 20}
+      fault: {abort: {httpStatus: 503, percentage: {value: 10}}}`},
		"a field of a block that has comments": {overlay: "canary", file: "middle.yaml",
			prepare: func(s string) string {
				return strings.Replace(s, "    - name: everybody\n", "    - name: everybody\n      # patience\n      retries: # of each caller\n        attempts: 2 # two more\n        # of every error\n        retryOn: \"5xx\" # all\n", 1)
			},
			edits: []Edit{{rule, "spec.http[1].retries", map[string]any{"attempts": number("3"), "perTryTimeout": "1s", "retryOn": "5xx"}}},
			want: `-        attempts: 2 # two more
-        # of every error
-        retryOn: "5xx" # all
+        attempts: 3 # two more
+        # of every error
+        retryOn: "5xx" # all
+        perTryTimeout: 1s
`},
		"a field removed": {overlay: "canary", file: "middle.yaml",
			prepare: func(s string) string {
				return strings.Replace(s, "    - name: everybody\n", "    - name: everybody\n      # patience\n      timeout: 5s # long\n", 1)
			},
			edits: []Edit{{rule, "spec.http[1].timeout", nil}},
			want:  "-      timeout: 5s # long\n"},
		"a JSON patch in the kustomization file": {overlay: "retry", file: "kustomization.yaml",
			edits: []Edit{{"VirtualService hopline/bounced", "spec.http[0].retries.attempts", number("7")}},
			want: `-      - {op: add, path: /spec/http/0/retries, value: {attempts: 20, perTryTimeout: 2s, retryOn: 5xx}}
+      - {op: add, path: /spec/http/0/retries, value: {attempts: 7, perTryTimeout: 2s, retryOn: 5xx}}
`},
		"the field replicas of the kustomization file": {overlay: "outlier", file: "kustomization.yaml",
			edits: []Edit{{"Deployment hopline/core-prod", "spec.replicas", number("2")}},
			want:  "-  - {name: core-prod, count: 3}\n+  - {name: core-prod, count: 2}\n"},
		"a variable of a container": {overlay: "outlier", file: "core-sick.yaml",
			edits: []Edit{{"Deployment hopline/core-sick", "spec.template.spec.containers[0].env[0].value", "0"}},
			want:  "-            - {name: ERROR_RATE, value: \"100\"}\n+            - {name: ERROR_RATE, value: \"0\"}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, file := prepared(t, c.overlay, c.file, c.prepare)
			before, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if name == "a variable of a container" {
				c.edits[0].Path = pathOfVariable(t, o, "core-sick", "ERROR_RATE")
			}
			got, err := o.Rewrite(c.edits)
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "" {
				if len(got) != 0 {
					t.Errorf("%d files change, want none", len(got))
				}
				return
			}
			if len(got) != 1 || filepath.Base(got[0].Path) != c.file || string(got[0].Before) != string(before) {
				t.Fatalf("got %+v, want a change of %s", got, c.file)
			}
			if diff := cmp.Diff(c.want, lines(string(before), string(got[0].After))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestNotRewritten lists edits that the overlay's own files cannot have, with the reason.
func TestNotRewritten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		overlay string
		prepare func(text string) string // of middle.yaml
		edit    Edit
		want    string
	}{
		"of a base": {"retry", nil, Edit{rule, "spec.http[1].route[0].weight", number("50")}, "it is in " + filepath.Join("*", "overlays", "canary", "middle.yaml")},
		"new, of a component": {"canary", nil, Edit{"VirtualService hopline/bounced", "spec.http[0].timeout", "2s"},
			"it is in " + filepath.Join("*", "components", "mesh", "bounced.yaml")},
		"new, of another overlay's Deployment": {"canary", nil, Edit{"Deployment hopline/core-prod", "spec.replicas", number("2")}, "which other overlays may read too"},
		"of two objects":                       {"split", nil, Edit{"VirtualService hopline/minimal", "spec.http[0].route[0].weight", number("10")}, "would also change other fields"},
		"an alias": {"canary", func(s string) string {
			return strings.Replace(strings.Replace(s, "weight: 80", "weight: &w 80", 1), "weight: 20", "weight: *w", 1)
		}, Edit{rule, "spec.http[1].route[1].weight", number("20")}, "an anchor, an alias"},
		"unknown object": {"canary", nil, Edit{"VirtualService hopline/nobody", "spec.http[0].timeout", "2s"}, "the overlay has no such object"},
		"unknown field":  {"canary", nil, Edit{rule, "spec.http[1].timout", "2s"}, "unknown field; did you mean timeout?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := "kustomization.yaml"
			if c.prepare != nil {
				file = "middle.yaml"
			}
			o, _ := prepared(t, c.overlay, file, c.prepare)
			_, err := o.Rewrite([]Edit{c.edit})
			first, last, _ := strings.Cut(c.want, "*")
			if err == nil || !strings.Contains(err.Error(), first) || !strings.Contains(err.Error(), last) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// prepared loads a copy of a shipped overlay of which one file is changed first.
func prepared(t *testing.T, name, file string, prepare func(string) string) (*Overlay, string) {
	t.Helper()
	dir := shipped.Light(t, name)
	path := filepath.Join(dir, file)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if prepare != nil {
		if err := os.WriteFile(path, []byte(prepare(string(text))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return o, path
}

// pathOfVariable returns the path of the value of an environment variable.
func pathOfVariable(t *testing.T, o *Overlay, deployment, name string) string {
	t.Helper()
	for _, d := range o.Deployments {
		for i, e := range d.Pod.Containers[0].Env {
			if d.Name == deployment && e.Name == name {
				return "spec.template.spec.containers[0].env[" + number(string(rune('0'+i))).String() + "].value"
			}
		}
	}
	t.Fatalf("Deployment %s has no variable %s", deployment, name)
	return ""
}

// TestWith edits a rendered overlay: a wrong value gives the same message as in a file, and the overlay itself is unchanged.
func TestWith(t *testing.T) {
	t.Parallel()
	o, file := prepared(t, "canary", "middle.yaml", nil)
	if _, err := o.With([]Edit{{rule, "spec.http[1].timeout", "soon"}}); err == nil {
		t.Fatal("accepted a timeout that is not a duration")
	} else {
		text, readErr := os.ReadFile(file)
		if readErr != nil {
			t.Fatal(readErr)
		}
		_, loadErr := LoadAs(o.Dir, map[string][]byte{file: append(text, "      timeout: soon\n"...)})
		if loadErr == nil || !strings.HasSuffix(loadErr.Error(), err.Error()) {
			t.Errorf("the edit gives %q, the file %v", err, loadErr)
		}
	}
	edited, err := o.With([]Edit{{rule, "spec.http[1].timeout", "2s"}})
	if err != nil {
		t.Fatal(err)
	}
	timeout := func(o *Overlay) string {
		for _, v := range o.VirtualServices {
			if v.String() == rule {
				return v.Spec.Http[1].GetTimeout().AsDuration().String()
			}
		}
		return "no rule"
	}
	if before, after := timeout(o), timeout(edited); before != "0s" || after != "2s" {
		t.Errorf("the timeout is %s before and %s after, want 0s and 2s", before, after)
	}
	if same, object := o.Rendered(edited); same || object != rule {
		t.Errorf("the overlays differ in %q: %t, want %s", object, !same, rule)
	}
}
