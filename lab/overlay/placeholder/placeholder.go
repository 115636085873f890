// Package placeholder lets many similar objects pass through kustomize as one.
//
// Kustomize compares each object with all objects before it, and copies each several times. It does the same to objects that differ only in
// name and specification, as long as nothing in the overlay refers to their contents. So a run of such objects in a file passes through
// kustomize as one object, a placeholder, and is expanded again in the result.
package placeholder

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	"github.com/hopline/hopline/lab/internal/yamltext"
)

// Set holds the placeholders of one rendering.
type Set struct {
	runs [][]map[string]any // by placeholder, the objects that it replaces
}

// placeholderName matches the name of a placeholder, with its number. No Kubernetes name has an underscore, so no other object has such a name.
var placeholderName = regexp.MustCompile(`_placeholder-(\d+)_`)

// Reduce rewrites a file with placeholders. It returns false if nothing is gained, or if the text is not plain enough to assign its lines to
// documents.
func (s *Set) Reduce(content []byte, docs []yamltext.Document, r Reach) (reduced []byte, ok bool) {
	switch {
	case r.everything:
		return nil, false
	case bytes.ContainsAny(content, "&\r"): // anchors, and Windows line ends
		return nil, false
	case r.images && bytes.Contains(content, []byte("ontainers")):
		return nil, false
	}
	lines, plain := documentLines(content)
	if !plain {
		return nil, false
	}
	var out bytes.Buffer
	for i := 0; i < len(docs); {
		run := alikeRun(docs[i:], r)
		out.WriteString("---\n")
		if len(run) < 2 {
			writeDocument(&out, lines, docs[i])
			i++
			continue
		}
		encoded, err := json.Marshal(s.add(run))
		if err != nil {
			return nil, false
		}
		out.Write(encoded)
		out.WriteByte('\n')
		i += len(run)
		ok = true
	}
	return out.Bytes(), ok
}

// documentLines returns the lines of a file. It returns false if a line is a directive, an end marker, or a separator with more text.
func documentLines(content []byte) (lines [][]byte, plain bool) {
	lines = bytes.SplitAfter(content, []byte("\n"))
	for _, line := range lines {
		rest, marker := bytes.CutPrefix(line, []byte("---"))
		rest = bytes.TrimSpace(rest)
		switch {
		case marker && len(rest) > 0 && rest[0] != '#', bytes.HasPrefix(line, []byte("...")), bytes.HasPrefix(line, []byte("%")):
			return nil, false
		}
	}
	return lines, true
}

// writeDocument copies a document's lines: from its first to the next separator.
func writeDocument(out *bytes.Buffer, lines [][]byte, d yamltext.Document) {
	for _, line := range lines[d.Line-1:] {
		if bytes.HasPrefix(line, []byte("---")) {
			return
		}
		out.Write(line)
	}
}

// alikeRun returns the first objects of docs that one placeholder can replace.
func alikeRun(docs []yamltext.Document, r Reach) (run []map[string]any) {
	for _, d := range docs {
		object, ok := d.Value.(map[string]any)
		if !ok || !r.excludes(object) || len(run) > 0 && !alike(run[0], object) {
			break
		}
		run = append(run, object)
	}
	return run
}

// alike reports whether two objects differ only in name and specification.
func alike(a, b map[string]any) bool {
	x, y := a["metadata"].(map[string]any), b["metadata"].(map[string]any)
	if a["apiVersion"] != b["apiVersion"] || a["kind"] != b["kind"] || len(x) != len(y) {
		return false
	}
	for key, v := range x {
		if w, ok := y[key]; !ok || key != "name" && !reflect.DeepEqual(v, w) {
			return false
		}
	}
	return true
}

// add returns a new placeholder for some objects.
func (s *Set) add(run []map[string]any) map[string]any {
	metadata := maps.Clone(run[0]["metadata"].(map[string]any))
	metadata["name"] = "_placeholder-" + strconv.Itoa(len(s.runs)) + "_"
	s.runs = append(s.runs, run)
	return map[string]any{"apiVersion": run[0]["apiVersion"], "kind": run[0]["kind"], "metadata": metadata}
}

// Objects returns the objects of a rendered object: those that a placeholder replaces, or else the object itself.
func (s *Set) Objects(rendered map[string]any) []map[string]any {
	metadata, _ := rendered["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	found := placeholderName.FindStringSubmatchIndex(name)
	if found == nil {
		return []map[string]any{rendered}
	}
	number, err := strconv.Atoi(name[found[2]:found[3]])
	if err != nil || number >= len(s.runs) {
		return []map[string]any{rendered}
	}
	prefix, suffix := name[:found[0]], name[found[1]:]
	all := make([]map[string]any, 0, len(s.runs[number]))
	for _, original := range s.runs[number] {
		object, metadata := maps.Clone(rendered), maps.Clone(metadata)
		metadata["name"] = prefix + original["metadata"].(map[string]any)["name"].(string) + suffix
		object["metadata"] = metadata
		if spec, ok := original["spec"]; ok {
			object["spec"] = spec
		}
		all = append(all, object)
	}
	return all
}

// Reach records what the kustomizations of an overlay may refer to in objects, apart from names, namespaces, labels and annotations.
type Reach struct {
	// Opaque reports whether kustomize does not know the specification of a kind.
	Opaque func(kind string) bool

	everything bool
	kinds      map[string]struct{}
	images     bool // of containers and initContainers in any place
}

// Add adds what a kustomization refers to; file returns the content of a file that it names.
func (r *Reach) Add(k map[string]any, file func(name string) []byte) {
	labels, _ := k["labels"].([]any)
	if k["replacements"] != nil || k["sortOptions"] != nil || slices.ContainsFunc(labels, choosesFields) {
		r.everything = true
	}
	r.images = r.images || k["images"] != nil
	patches, _ := k["patches"].([]any)
	for _, p := range patches {
		patch, _ := p.(map[string]any)
		if target, ok := patch["target"].(map[string]any); ok {
			r.addKind(target["kind"])
			continue
		}
		content, _ := patch["patch"].(string)
		if name, ok := patch["path"].(string); ok {
			content = string(file(name))
		}
		docs, err := yamltext.Parse([]byte(content))
		r.everything = r.everything || err != nil
		for _, d := range docs {
			object, _ := d.Value.(map[string]any)
			r.addKind(object["kind"])
		}
	}
}

// choosesFields reports whether an entry of labels selects its own fields.
func choosesFields(entry any) bool {
	labels, _ := entry.(map[string]any)
	return labels["fields"] != nil
}

// addKind adds a kind, or everything if it is not a plain kind.
func (r *Reach) addKind(kind any) {
	name, ok := kind.(string)
	if !ok || !fieldpath.IsPlain(name) {
		r.everything = true
		return
	}
	if r.kinds == nil {
		r.kinds = map[string]struct{}{}
	}
	r.kinds[name] = struct{}{}
}

// excludes reports whether no kustomization refers to the contents of an object: kustomize does not know its
// specification, it needs no hash suffix, and no patch applies to its kind.
func (r *Reach) excludes(object map[string]any) bool {
	kind, _ := object["kind"].(string)
	metadata, _ := object["metadata"].(map[string]any)
	if name, _ := metadata["name"].(string); name == "" || !r.Opaque(kind) {
		return false
	}
	if _, reached := r.kinds[kind]; reached {
		return false
	}
	for key := range object {
		if !slices.Contains([]string{"apiVersion", "kind", "metadata", "spec"}, key) {
			return false
		}
	}
	annotations, _ := metadata["annotations"].(map[string]any)
	for key := range annotations {
		if strings.Contains(key, "config.kubernetes.io/") || strings.Contains(key, "config.k8s.io/") { // instructions to kustomize
			return false
		}
	}
	return true
}
