package overlay

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	"github.com/hopline/hopline/lab/internal/yamltext"
	"sigs.k8s.io/kustomize/api/konfig"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// Rewritten is a file of an overlay with a new content.
type Rewritten struct {
	Path          string // absolute, without symbolic links
	Before, After []byte
}

// Rewrite returns the files of the overlay's own directory that must change so that the overlay renders as it does With the edits. Only the
// text of the fields changes; everything else keeps its bytes. The error states why the files cannot have the edits: a field is in a file
// outside the directory, is generated, or is written in a form that cannot be edited safely.
func (o *Overlay) Rewrite(edits []Edit) ([]Rewritten, error) {
	if o.Lenience != nil {
		return nil, errors.New("the lab runs it with --stand-in: such files are read and not written")
	}
	want, err := o.With(edits)
	if err != nil {
		return nil, err
	}
	texts := map[string]*yamltext.Edit{}
	for _, e := range edits {
		if err := o.places.rewrite(e, texts); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", e.Object, e.Path, err)
		}
	}
	files := map[string][]byte{}
	var out []Rewritten
	for path, t := range texts {
		files[path] = t.Result()
		if after := files[path]; string(after) != string(t.Text) {
			out = append(out, Rewritten{Path: path, Before: t.Text, After: after})
		}
	}
	got, err := LoadAs(o.Dir, files)
	if err != nil {
		return nil, fmt.Errorf("the edited files would have a mistake: %w", err)
	}
	if same, object := want.Rendered(got); !same {
		return nil, fmt.Errorf("%s: the files that set the field would also change other fields, or another patch sets it again", object)
	}
	slices.SortFunc(out, func(a, b Rewritten) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

// rewrite adds the change of the text that makes an edit lasting.
func (p *places) rewrite(e Edit, texts map[string]*yamltext.Edit) error {
	if p == nil {
		return errors.New("the overlay was not read from a directory")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.render()
	origins := p.objects[e.Object]
	if len(origins) != 1 {
		return errors.New("the source of the object is not known")
	}
	field, err := p.fieldOf(origins[0], e)
	if err != nil {
		return err
	}
	file := p.disk.Resolve(field.file)
	if !p.own(file) {
		return fmt.Errorf("it is in %s, which other overlays may read too", p.named(file))
	}
	if texts[file] == nil {
		texts[file] = &yamltext.Edit{Text: p.disk.Read(file).Content}
	}
	t := texts[file]
	t.Above, t.Indent = field.offset, field.indent
	if err := field.set(t, e.Value); err != nil {
		return fmt.Errorf("%s: %w", p.named(file), err)
	}
	return nil
}

// fieldPlace is a place of a YAML document where a field is, or where it can be added.
type fieldPlace struct {
	source
	yamltext.Field
}

// fieldOf finds the source that sets a field last, or else the one to which the field can be added.
func (p *places) fieldOf(of origin, e Edit) (fieldPlace, error) {
	steps := fieldpath.Steps(e.Path)
	sources := slices.Clone(of.sources)
	if e.Path == "spec.replicas" {
		sources = append(sources, p.replicas(e.Object)...)
	}
	var parent *fieldPlace
	for _, s := range slices.Backward(sources) {
		f, ok := s.locate(steps, of.value)
		switch {
		case ok && f.At >= 0:
			return f, quotedSource(s)
		case ok && (parent == nil || !p.own(parent.file)): // a file of the overlay itself, or else the one that has the object
			parent = &f
		}
	}
	if parent == nil {
		return fieldPlace{}, errors.New("no file sets it or the fields around it: it is generated, or a default")
	}
	return *parent, quotedSource(parent.source)
}

// own reports whether a file is in the overlay's own directory.
func (p *places) own(file string) bool { return within(p.root, p.disk.Resolve(file)) }

// quotedSource returns an error for a patch that is quoted text: its lines are not those of the file.
func quotedSource(s source) error {
	if s.quoted {
		return errors.New("it is in a patch that is not written as a block of text")
	}
	return nil
}

// replicas returns the entry of the field replicas in the overlay's kustomization file for a Deployment, as a source of spec.replicas.
func (p *places) replicas(object string) []source {
	name := object[strings.LastIndexByte(object, '/')+1:]
	for _, base := range konfig.RecognizedKustomizationFileNames() {
		file := filepath.Join(p.root, base)
		if _, read := p.disk.Files[file]; !read {
			continue
		}
		for _, doc := range yamltext.Documents(p.disk.Read(file).Content) {
			for _, entry := range yamltext.Elements(yamltext.Child(doc, "replicas")) {
				if yamltext.Scalar(yamltext.Child(entry, "name")) == name {
					return []source{{file: file, node: entry, countOf: true}}
				}
			}
		}
	}
	return nil
}

// locate finds a field in a source. It returns false if the source has neither the field nor the fields around it.
func (s source) locate(steps []string, value any) (fieldPlace, bool) {
	switch {
	case s.countOf:
		steps, value = []string{"count"}, nil
	case isJSONPatch(s.node):
		return s.locateOperation(steps)
	}
	return s.walk(s.node, steps, value)
}

// walk finds a field below a node of a source.
func (s source) walk(node *kyaml.Node, steps []string, value any) (fieldPlace, bool) {
	f := fieldPlace{source: s}
	for i, step := range steps {
		f.Parent, f.Key, f.At = node, step, -1
		var next *kyaml.Node
		switch node.Kind {
		case kyaml.MappingNode:
			m, _ := value.(map[string]any)
			value = m[step]
			for j := 0; j+1 < len(node.Content); j += 2 {
				if node.Content[j].Value == step {
					f.At, next = j+1, node.Content[j+1]
				}
			}
		case kyaml.SequenceNode:
			list, _ := value.([]any)
			index := fieldpath.Index(step)
			value = nil
			if index >= 0 && index < len(list) {
				value = list[index]
				next = element(node, index, value)
				f.At = slices.Index(node.Content, next)
			}
			if next == nil && index < len(list) {
				return f, false
			}
		default:
			return f, false
		}
		if next == nil {
			return f, i == len(steps)-1
		}
		node = next
	}
	return f, true
}
