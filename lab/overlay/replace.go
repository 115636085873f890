package overlay

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/internal/nearest"
	"github.com/hopline/hopline/lab/internal/yamltext"
	"github.com/hopline/hopline/lab/overlay/snapshot"
	"sigs.k8s.io/yaml"
)

// maxReplacement bounds the text of Replace, in bytes.
const maxReplacement = 1 << 20

// Replace returns the overlay with the objects of a YAML text: each in place of the object with its kind, namespace and name, or added. An
// object without a namespace replaces the only one of its kind and name. The result is decoded and checked as by Load, so that a text is
// rejected with the message that the same text in a file causes; problems in the text have its name and line. The error is a *Report. The
// receiver is not changed, and nothing is written.
func (o *Overlay) Replace(name string, text []byte, checks ...Check) (*Overlay, error) {
	report := &Report{places: o.places}
	added := o.readText(name, text, report)
	if len(report.Problems) > 0 {
		return nil, report.Err()
	}
	objects := slices.Clone(o.rendered)
	var here []string // the objects of the text
	for _, object := range added {
		id := identity(object)
		here = append(here, id)
		if i := slices.IndexFunc(objects, func(o map[string]any) bool { return identity(o) == id }); i >= 0 {
			objects[i] = object
		} else {
			objects = append(objects, object)
		}
	}
	found := o.withObjects(objects)
	found.complete(nil, report, checks)
	located(report, here, textPlaces(name, text, added))
	if err := report.Err(); err != nil {
		return nil, err
	}
	return found, nil
}

// readText returns the objects of a text, with the namespaces of those that they replace.
func (o *Overlay) readText(name string, text []byte, report *Report) []map[string]any {
	if len(text) > maxReplacement {
		report.Add(name, "", "want at most %d bytes, got %d", maxReplacement, len(text))
		return nil
	}
	docs, err := yamltext.Parse(text)
	if err != nil {
		line, reason := yamltext.Mistake(text, err)
		report.Problems = append(report.Problems, Problem{File: name, Line: line, Object: name, Reason: reason})
		return nil
	}
	var objects []map[string]any
	seen := map[string]bool{}
	for _, doc := range docs {
		for _, value := range itemsOf(doc.Value) {
			object, ok := value.(map[string]any)
			problem := Problem{File: name, Line: doc.Line, Object: name}
			if !ok {
				problem.Reason = "want an object of Kubernetes, got " + describe(value)
			} else if problem.Reason = unnamed(object); problem.Reason == "" {
				object = o.inNamespace(object)
				if id := identity(object); seen[id] {
					problem.Reason = id + " appears twice"
				} else {
					seen[id] = true
				}
			}
			if problem.Reason != "" {
				report.Problems = append(report.Problems, problem)
			}
			objects = append(objects, object)
		}
	}
	if len(docs) == 0 {
		report.Problems = append(report.Problems, Problem{File: name, Object: name, Reason: "want an object of Kubernetes, got nothing"})
	}
	return objects
}

// itemsOf returns the items of a list of kubectl, or the value itself.
func itemsOf(value any) []any {
	object, _ := value.(map[string]any)
	kind, _ := object["kind"].(string)
	if items, ok := object["items"].([]any); ok && strings.HasSuffix(kind, "List") {
		return items
	}
	return []any{value}
}

// inNamespace returns an object with the namespace of the only object of its kind and name, if it has none itself: files of an overlay
// often leave it to the kustomization.
func (o *Overlay) inNamespace(object map[string]any) map[string]any {
	m := metaOf(object)
	if m.Namespace != "" {
		return object
	}
	var found []string
	for _, other := range o.rendered {
		if is := metaOf(other); is.Kind == m.Kind && is.Name == m.Name && group(is.APIVersion) == group(m.APIVersion) {
			found = append(found, is.Namespace)
		}
	}
	if len(found) != 1 || found[0] == "" {
		return object
	}
	object = maps.Clone(object)
	metadata, _ := object["metadata"].(map[string]any)
	metadata = maps.Clone(metadata)
	metadata["namespace"] = found[0]
	object["metadata"] = metadata
	return object
}

// textPlaces finds places in a text.
func textPlaces(name string, text []byte, objects []map[string]any) *places {
	disk := snapshot.New()
	disk.Files[name] = snapshot.File{Content: text}
	p := &places{disk: disk, named: func(path string) string { return path }, objects: map[string][]origin{}}
	for _, object := range objects {
		m := metaOf(object)
		if node := documentOf(yamltext.Documents(text), m.Kind, m.Name); node != nil {
			p.objects[identity(object)] = []origin{{value: object, sources: []source{{file: name, node: node}}}}
		}
	}
	return p
}

// located sets the places of the problems of some objects.
func located(report *Report, objects []string, in *places) {
	for i := range report.Problems {
		p := &report.Problems[i]
		if p.File == "" && slices.Contains(objects, p.Object) {
			at := in.find(p.Object, p.Path)
			p.File, p.Line = at.file, at.line
		}
	}
}

// Rules names the objects of the kinds that decide about requests, in the overlay's order: "VirtualService hopline/middle".
func (o *Overlay) Rules() []string {
	names := []string{}
	for _, object := range o.rendered {
		m := metaOf(object)
		if k, _ := findKind(m.APIVersion, m.Kind); k.routes() {
			names = append(names, identity(object))
		}
	}
	return names
}

// Changes lists the objects that another overlay does not have in the same form, in the order of the receiver: "VirtualService hopline/middle
// replaced", or "… added" if the other one has none of that name.
func (o *Overlay) Changes(from *Overlay) []string {
	before := map[string]map[string]any{}
	for _, object := range from.rendered {
		before[identity(object)] = object
	}
	list := []string{}
	for _, object := range o.rendered {
		name := identity(object)
		switch old, ok := before[name]; {
		case !ok:
			list = append(list, name+" added")
		case !reflect.DeepEqual(old, object):
			list = append(list, name+" replaced")
		}
	}
	return list
}

// YAML returns an object as it was rendered, with the patches of the overlay. The name is as Rules has it.
func (o *Overlay) YAML(name string) (string, error) {
	for _, object := range o.rendered {
		if identity(object) != name {
			continue
		}
		encoded, err := json.Marshal(object)
		if err != nil {
			return "", err
		}
		text, err := yaml.JSONToYAML(encoded)
		return string(text), err
	}
	return "", fmt.Errorf("%s: no such object%s", name, nearest.DidYouMean(name, o.Rules()))
}
