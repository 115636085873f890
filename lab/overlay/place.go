package overlay

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	"github.com/hopline/hopline/lab/internal/yamltext"
	"github.com/hopline/hopline/lab/overlay/snapshot"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// places finds the file and line of a problem. For the first problem it renders the overlay once more, so that an overlay without problems
// needs no memory for it.
type places struct {
	disk  *snapshot.Disk
	root  string                   // the overlay's directory, symbolic links resolved
	top   *inspected               // the kustomization there
	named func(path string) string // a path as the user would write it

	mu      sync.Mutex
	objects map[string][]origin // by Meta.String(); nil before the first call

	more []*places // of other directories
}

// origin is an object of the overlay and its sources.
type origin struct {
	value   map[string]any
	sources []source // in the order in which they were applied: the file of the object, then patches
}

// source is a YAML node that set fields of an object.
type source struct {
	file   string // absolute
	node   *kyaml.Node
	offset int // lines of the file above the node's text
	indent int // columns of the file before the node's text

	quoted  bool // the node's text is not written as in the file, but quoted
	countOf bool // the node is an entry of the field replicas of a kustomization file
}

// place is a position in a file. The line counts from 1 and is 0 if unknown.
type place struct {
	file string // as the user would write it
	line int
}

// find returns the place of a field of an object. The object may also be a file or a directory of the overlay.
func (p *places) find(object, path string) place {
	if p == nil {
		return place{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for file := range p.disk.Files {
		if p.named(file) == object {
			return place{object, p.lineIn(file, path)}
		}
	}
	p.render()
	steps := fieldpath.Steps(path)
	var best place
	deepest := -1
	for _, o := range p.objects[object] {
		for _, s := range o.sources {
			if _, line, depth := s.lookUp(steps, o.value); line > 0 && (depth > deepest || depth == deepest && depth > 0) {
				best, deepest = place{p.named(s.file), line + s.offset}, depth
			}
		}
	}
	for _, other := range p.more {
		if best.file == "" {
			best = other.find(object, path)
		}
	}
	return best
}

// Place returns the file and the line of a field of an object; line 0 if it is unknown.
func (o *Overlay) Place(object, path string) (file string, line int) {
	at := o.places.find(object, path)
	return at.file, at.line
}

// all returns the places where the objects of a name begin.
func (p *places) all(object string) (all []place) {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.render()
	for _, o := range p.objects[object] {
		if len(o.sources) > 0 {
			all = append(all, place{p.named(o.sources[0].file), o.sources[0].node.Line})
		}
	}
	for _, other := range p.more {
		all = append(all, other.all(object)...)
	}
	return all
}

// lineIn returns the line of a field in a file of one document; 0 for the whole file.
func (p *places) lineIn(file, path string) int {
	docs := yamltext.Documents(p.disk.Read(file).Content)
	if path == "" || len(docs) == 0 {
		return 0
	}
	if m := documentPath.FindStringSubmatch(path); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil && n <= len(docs) {
			return docs[n-1].Line
		}
	}
	_, line, depth := source{node: docs[0]}.lookUp(fieldpath.Steps(path), nil)
	if depth == 0 {
		return 0
	}
	return line
}

// documentPath matches the path of one of several documents in a file.
var documentPath = regexp.MustCompile(`^document (\d+)$`)

// render renders the overlay and finds where its objects come from, once.
func (p *places) render() {
	if p.objects != nil {
		return
	}
	p.objects = map[string][]origin{}
	resources, err := kustomize(p.disk, p.root)
	if err != nil { // duplicate objects, if kustomize has not received all parts
		p.read()
		return
	}
	from := origins{places: p, objects: map[string][]written{}}
	from.directory(p.top, nil)
	for _, r := range resources.Resources() {
		var value any
		if r.YNode().Decode(&value) != nil {
			continue
		}
		json, err := yamltext.JSON(value)
		if m, ok := json.(map[string]any); err == nil && ok {
			id := identity(m)
			p.objects[id] = append(p.objects[id], origin{value: m, sources: from.of(r)})
		}
	}
}

// read reads the objects as they are in the files.
func (p *places) read() {
	for _, file := range slices.Sorted(maps.Keys(p.disk.Files)) {
		for _, node := range yamltext.Documents(p.disk.Files[file].Content) {
			var value map[string]any
			if node.Decode(&value) == nil {
				id := identity(value)
				p.objects[id] = append(p.objects[id], origin{value: value, sources: []source{{file: file, node: node}}})
			}
		}
	}
}

// identity returns the name of a rendered object for messages.
func identity(object map[string]any) string {
	m := metaOf(object)
	k, reason := findKind(m.APIVersion, m.Kind)
	_, read := readKind(m)
	if (reason == "" || read) && !k.clusterWide && m.Namespace == "" {
		m.Namespace = "default"
	}
	return m.String()
}

// patches returns the patches in a kustomization file that apply to an object.
func (p *places) patches(file, kind, name string) (all []source) {
	for _, doc := range yamltext.Documents(p.disk.Read(file).Content) {
		for _, entry := range yamltext.Elements(yamltext.Child(doc, "patches")) {
			from, content := source{file: file}, yamltext.Scalar(yamltext.Child(entry, "patch"))
			if path := yamltext.Scalar(yamltext.Child(entry, "path")); path != "" {
				from.file = filepath.Join(filepath.Dir(file), filepath.FromSlash(path))
				content = string(p.disk.Read(from.file).Content)
			} else if inline := yamltext.Child(entry, "patch"); inline != nil {
				from.offset, from.indent = inline.Line, p.indentation(file, inline.Line)
				if inline.Style&kyaml.LiteralStyle == 0 {
					from.offset-- // the text begins on the line of its key
					from.quoted = true
				}
			}
			target := yamltext.Child(entry, "target")
			for _, patch := range yamltext.Documents([]byte(content)) {
				switch {
				case target != nil && !selects(target, kind, name):
				case target == nil && documentOf([]*kyaml.Node{patch}, kind, name) == nil:
				default:
					from.node = patch
					all = append(all, from)
				}
			}
		}
	}
	return all
}

// indentation returns the number of spaces before the text of a line, counted from 0.
func (p *places) indentation(file string, line int) int {
	lines := strings.Split(string(p.disk.Read(file).Content), "\n")
	if line >= len(lines) {
		return 0
	}
	return len(lines[line]) - len(strings.TrimLeft(lines[line], " "))
}

// selects reports whether a patch's target may be an object, by kind and name. The object may have received a prefix or suffix since.
func selects(target *kyaml.Node, kind, name string) bool {
	for key, value := range map[string]string{"kind": kind, "name": name} {
		wanted := yamltext.Scalar(yamltext.Child(target, key))
		if wanted == "" {
			continue
		}
		if matched, err := regexp.MatchString(wanted, value); err != nil || !matched {
			return false
		}
	}
	return true
}

// documentOf returns the document of an object: the one with its kind and name, or else the one whose name is the longest part of it,
// because kustomize may have added a prefix or suffix.
func documentOf(docs []*kyaml.Node, kind, name string) (found *kyaml.Node) {
	longest := 0
	for _, doc := range docs {
		if items := listOf(doc); items != nil {
			if node := documentOf(items, kind, name); node != nil && found == nil {
				found = node
			}
			continue
		}
		own := yamltext.Scalar(yamltext.Child(yamltext.Child(doc, "metadata"), "name"))
		if yamltext.Scalar(yamltext.Child(doc, "kind")) == kind && len(own) > longest && strings.Contains(name, own) {
			found, longest = doc, len(own)
		}
	}
	return found
}

// listOf returns the objects of a List, or nil for any other object.
func listOf(doc *kyaml.Node) []*kyaml.Node {
	if items := yamltext.Child(doc, "items"); items != nil && strings.HasSuffix(yamltext.Scalar(yamltext.Child(doc, "kind")), "List") {
		return items.Content
	}
	return nil
}

// lookUp returns the deepest node on a path, the line of its key, and the number of steps to it. It finds list elements by their value in the
// rendered object, because patches move them.
func (s source) lookUp(steps []string, value any) (found *kyaml.Node, line, depth int) {
	if isJSONPatch(s.node) {
		return s.lookUpOperation(steps)
	}
	return descend(s.node, steps, value)
}

func descend(node *kyaml.Node, steps []string, value any) (found *kyaml.Node, line, depth int) {
	line = node.Line
	for _, step := range steps {
		if node.Kind == kyaml.AliasNode {
			node = node.Alias
		}
		var next *kyaml.Node
		switch node.Kind {
		case kyaml.MappingNode:
			for i := 0; i+1 < len(node.Content); i += 2 {
				if node.Content[i].Value == step {
					line, next = node.Content[i].Line, node.Content[i+1]
				}
			}
			m, _ := value.(map[string]any)
			value = m[step]
		case kyaml.SequenceNode:
			index, err := strconv.Atoi(step)
			if err != nil {
				return node, line, depth
			}
			list, _ := value.([]any)
			value = nil
			if index < len(list) {
				value = list[index]
			}
			if next = element(node, index, value); next != nil {
				line = next.Line
			}
		}
		if next == nil {
			return node, line, depth
		}
		node = next
		depth++
	}
	return node, line, depth
}

// element returns the list element that became an element of the rendered object: by its name, by its value, or by its index.
func element(list *kyaml.Node, index int, value any) *kyaml.Node {
	switch v := value.(type) {
	case map[string]any:
		if name, ok := v["name"].(string); ok {
			for _, e := range list.Content {
				if yamltext.Scalar(yamltext.Child(e, "name")) == name {
					return e
				}
			}
			return nil
		}
	case string:
		for _, e := range list.Content {
			if e.Value == v {
				return e
			}
		}
	}
	if index < len(list.Content) {
		return list.Content[index]
	}
	return nil
}
