package overlay

import (
	"strings"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// Excerpt is a part of a file of an overlay.
type Excerpt struct {
	File  string // as the user would write it
	Line  int    // of the first of Lines, from 1
	Lines []string
}

// maxExcerpt bounds the number of lines of an excerpt.
const maxExcerpt = 60

// Excerpt returns the lines that set a field of an object, such as "VirtualService hopline/middle" and "spec.http[1]", as they were when the
// overlay was loaded. An empty path means the whole object. Where patches set the field as well, it returns the most specific source, and of
// those the last that was applied. It is false if no file has the object.
func (o *Overlay) Excerpt(object, path string) (Excerpt, bool) {
	p := o.places
	if p == nil {
		return Excerpt{}, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.render()
	steps := fieldpath.Steps(path)
	var of source
	var first, last int
	deepest := -1
	for _, o := range p.objects[object] {
		for _, s := range o.sources {
			if node, line, depth := s.lookUp(steps, o.value); line > 0 && depth >= deepest {
				of, first, last, deepest = s, line, max(line, lastLine(node)), depth
			}
		}
	}
	if deepest < 0 || deepest == 0 && len(steps) > 0 {
		return Excerpt{}, false
	}
	lines := strings.Split(string(p.disk.Read(of.file).Content), "\n")
	first, last = first+of.offset, min(last+of.offset, len(lines), first+of.offset+maxExcerpt-1)
	if first > last {
		return Excerpt{}, false
	}
	return Excerpt{File: p.named(of.file), Line: first, Lines: lines[first-1 : last]}, true
}

// lastLine returns the last line of a node's text.
func lastLine(node *kyaml.Node) int {
	last := node.Line
	if node.Kind == kyaml.ScalarNode && node.Style&(kyaml.LiteralStyle|kyaml.FoldedStyle) != 0 {
		last += strings.Count(strings.TrimRight(node.Value, "\n"), "\n") + 1
	}
	for _, c := range node.Content {
		last = max(last, lastLine(c))
	}
	return last
}
