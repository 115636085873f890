package overlay

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// oneValue holds the fields of Deployments and Services that have a single value that the lab supports: their effect is that another value
// is refused.
var oneValue = map[string]bool{
	"spec.strategy.type":                                                  true,
	"spec.template.spec.restartPolicy":                                    true,
	"spec.template.spec.containers[].ports[].protocol":                    true,
	"spec.template.spec.containers[].startupProbe.httpGet.scheme":         true,
	"spec.template.spec.containers[].readinessProbe.httpGet.scheme":       true,
	"spec.template.spec.containers[].livenessProbe.httpGet.scheme":        true,
	"spec.template.spec.containers[].env[].valueFrom.fieldRef.apiVersion": true,
	"spec.template.spec.containers[].startupProbe.successThreshold":       true,
	"spec.template.spec.containers[].livenessProbe.successThreshold":      true,
	"spec.ports[].protocol":                                               true,
}

// withoutMeaning is a field that Kubernetes ignores in a template, and kubectl writes.
const withoutMeaning = "spec.template.metadata.creationTimestamp"

// TestEveryFieldOfAWorkloadHasAnEffect removes each field that the lab calls enforced from a Deployment and a Service that have all of them:
// the decoded objects differ then, or are refused. It checks also that the fields that are accepted but not enforced are named.
func TestEveryFieldOfAWorkloadHasAnEffect(t *testing.T) {
	t.Parallel()
	const base = "testdata/effect"
	with := decodedText(t, base, nil)
	if strings.HasPrefix(with, "refused") {
		t.Fatal(with)
	}
	o, err := Load(base)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range Fields() {
		if kind.Kind != "Deployment" && kind.Kind != "Service" {
			continue
		}
		for _, f := range kind.Fields {
			path, isSpec := strings.CutPrefix(f.Path, "spec.")
			switch {
			case !isSpec || f.Path == withoutMeaning:
			case f.Status == accepted.String():
				name := kind.Kind + " " + f.Path[strings.LastIndexByte(f.Path, '.')+1:]
				if !slices.Contains(o.NotEnforcedFields, name) {
					t.Errorf("%s %s is accepted without effect, and %q is not among the named %q", kind.Kind, f.Path, name, o.NotEnforcedFields)
				}
			case f.Status == enforced.String():
				change := func(kindOf string, spec map[string]any) bool {
					return kindOf == kind.Kind && changeField(spec, strings.Split(path, "."), oneValue[f.Path])
				}
				without := decodedText(t, base, change)
				if without == with || oneValue[f.Path] && !strings.HasPrefix(without, "refused") {
					t.Errorf("%s %s is called enforced and changes nothing", kind.Kind, f.Path)
				}
			}
		}
	}
}

// changeField removes a field wherever it is set, or gives it another value, and reports whether it was set.
func changeField(object any, path []string, another bool) (found bool) {
	name, isList := strings.CutSuffix(path[0], "[]")
	fields, _ := object.(map[string]any)
	value, set := fields[name]
	switch {
	case !set:
		return false
	case len(path) == 1 && another:
		fields[name] = "Another"
		if _, isNumber := value.(float64); isNumber {
			fields[name] = 7
		}
		return true
	case len(path) == 1:
		delete(fields, name)
		return true
	case isList:
		for _, element := range value.([]any) {
			found = changeField(element, path[1:], another) || found
		}
		return found
	}
	return changeField(value, path[1:], another)
}

// decodedText returns a text form of the Deployments and Services of an overlay after a change to their specifications; "refused" and the
// problems if it does not load. The change reports whether it changed an object of that kind.
func decodedText(t *testing.T, dir string, change func(kind string, spec map[string]any) bool) string {
	t.Helper()
	changed := change == nil
	copied := t.TempDir()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		var object map[string]any
		if err := yaml.Unmarshal(text, &object); err != nil {
			t.Fatal(err)
		}
		if spec, ok := object["spec"].(map[string]any); ok && change != nil {
			changed = change(object["kind"].(string), spec) || changed
		}
		if text, err = yaml.Marshal(object); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(copied, entry.Name()), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !changed {
		return "nothing in " + dir + " has the field" // which differs from any other text
	}
	o, err := Load(copied)
	if err != nil {
		return "refused: " + err.Error()
	}
	all, err := json.Marshal([]any{o.Deployments, o.Services})
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}
