package overlay

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Kustomize compares each object with all that came before it, and copies each several times. To objects that differ in nothing but name and
// specification it does the same, as long as nothing in the overlay looks into them. So a run of such objects in a file goes through kustomize
// as one, a stand-in, and is made many again from what came out.

// standIns are the stand-ins of one rendering.
type standIns struct {
	runs [][]map[string]any // the objects that each stands for
}

// standInName is the name of a stand-in, with its number. No name of Kubernetes has an underscore, so that no other object has it.
var standInName = regexp.MustCompile(`_stand-in-(\d+)_`)

// newStandIns has kustomize read stand-ins in place of what in has inspected.
func newStandIns(in *inspector) *standIns {
	s := new(standIns)
	if in.reach.everything {
		return s
	}
	for path, docs := range in.resources {
		if _, otherwise := in.data[path]; otherwise {
			continue
		}
		if reduced, ok := s.reduce(in.disk.files[path].content, docs, in.reach); ok {
			in.disk.reduced[path] = reduced
		}
	}
	return s
}

// reduce writes a file anew with stand-ins. It reports false where nothing is gained, or where the text is not plain enough to tell what of
// it belongs to which document.
func (s *standIns) reduce(content []byte, docs []document, r reach) (reduced []byte, ok bool) {
	switch {
	case bytes.ContainsAny(content, "&\r"): // anchors, and the ends of lines of Windows
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

// documentLines are the lines of a file. It reports false where a line has a meaning beyond a plain separator of documents.
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
func writeDocument(out *bytes.Buffer, lines [][]byte, d document) {
	for _, line := range lines[d.line-1:] {
		if bytes.HasPrefix(line, []byte("---")) {
			return
		}
		out.Write(line)
	}
}

// alikeRun are the first objects of docs as far as one can stand for all of them.
func alikeRun(docs []document, r reach) (run []map[string]any) {
	for _, d := range docs {
		object, ok := d.value.(map[string]any)
		if !ok || !r.spares(object) || len(run) > 0 && !alike(run[0], object) {
			break
		}
		run = append(run, object)
	}
	return run
}

// alike says whether two objects differ in nothing but name and specification.
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

// add makes the stand-in of some objects.
func (s *standIns) add(run []map[string]any) map[string]any {
	metadata := maps.Clone(run[0]["metadata"].(map[string]any))
	metadata["name"] = "_stand-in-" + strconv.Itoa(len(s.runs)) + "_"
	s.runs = append(s.runs, run)
	return map[string]any{"apiVersion": run[0]["apiVersion"], "kind": run[0]["kind"], "metadata": metadata}
}

// objects are those that a rendered object stands for: itself, as a rule.
func (s *standIns) objects(rendered map[string]any) []map[string]any {
	metadata, _ := rendered["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	found := standInName.FindStringSubmatchIndex(name)
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

// reach is what of the objects the kustomizations of an overlay may look into, beyond names, namespaces, labels and annotations.
type reach struct {
	everything bool
	kinds      map[string]struct{}
	images     bool // of containers and initContainers, wherever they are
}

// add adds what a kustomization looks into; file gives the content of a file that it names.
func (r *reach) add(k map[string]any, file func(name string) []byte) {
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
		docs, err := parseYAML([]byte(content))
		r.everything = r.everything || err != nil
		for _, d := range docs {
			object, _ := d.value.(map[string]any)
			r.addKind(object["kind"])
		}
	}
}

// choosesFields says whether an entry of labels names fields of its own.
func choosesFields(entry any) bool {
	labels, _ := entry.(map[string]any)
	return labels["fields"] != nil
}

// addKind adds a kind, or everything where it is none or a pattern.
func (r *reach) addKind(kind any) {
	name, ok := kind.(string)
	if !ok || !plainKey.MatchString(name) {
		r.everything = true
		return
	}
	if r.kinds == nil {
		r.kinds = map[string]struct{}{}
	}
	r.kinds[name] = struct{}{}
}

// spares says whether nothing looks into an object: it is one of Istio's, whose specifications kustomize does not know, in no need of its
// hash, and no patch is for its kind.
func (r *reach) spares(object map[string]any) bool {
	kind, _ := object["kind"].(string)
	metadata, _ := object["metadata"].(map[string]any)
	if name, _ := metadata["name"].(string); name == "" || !isIstioKind(kind) {
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
		if strings.Contains(key, "config.kubernetes.io/") || strings.Contains(key, "config.k8s.io/") { // orders to kustomize
			return false
		}
	}
	return true
}

// isIstioKind says whether a kind has a specification of Istio's.
func isIstioKind(name string) bool {
	return slices.ContainsFunc(kinds(), func(k kind) bool { return k.name == name && k.spec != nil })
}
