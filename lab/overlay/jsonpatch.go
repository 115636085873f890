package overlay

import (
	"errors"
	"slices"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	"github.com/hopline/hopline/lab/internal/yamltext"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// isJSONPatch reports whether a patch is a list of operations (RFC 6902). Any other patch has the form of an object.
func isJSONPatch(patch *kyaml.Node) bool {
	list := yamltext.Elements(patch)
	return len(list) > 0 && isOperation(list[0])
}

func isOperation(node *kyaml.Node) bool { return yamltext.Child(node, "op") != nil }

// pointerOf returns the steps of the path of an operation.
func pointerOf(op *kyaml.Node) []string {
	return fieldpath.PointerSteps(yamltext.Scalar(yamltext.Child(op, "path")))
}

// lookUpOperation finds the operation of a JSON patch that set a field.
func (s source) lookUpOperation(steps []string) (found *kyaml.Node, line, depth int) {
	for _, op := range s.node.Content {
		pointer := pointerOf(op)
		if len(pointer) > len(steps) || len(pointer) < depth ||
			!slices.EqualFunc(pointer, steps[:len(pointer)], func(p, step string) bool { return p == step || p == "-" }) {
			continue
		}
		found, line, depth = op, op.Line, len(pointer)
		if value := yamltext.Child(op, "value"); value != nil {
			if node, l, d := descend(value, steps[len(pointer):], nil); d > 0 {
				found, line, depth = node, l, depth+d
			}
		}
	}
	return found, line, depth
}

// locateOperation finds a field in the value of an operation of a JSON patch.
func (s source) locateOperation(steps []string) (f fieldPlace, ok bool) {
	for _, op := range s.node.Content {
		pointer, value := pointerOf(op), yamltext.Child(op, "value")
		if value == nil || len(pointer) > len(steps) || !slices.Equal(pointer, steps[:len(pointer)]) {
			continue
		}
		if len(pointer) == len(steps) {
			f, ok = fieldPlace{s, yamltext.Field{Parent: op, Key: "value", At: slices.Index(op.Content, value)}}, true
			continue
		}
		if found, there := s.walk(value, steps[len(pointer):], nil); there {
			f, ok = found, true
		}
	}
	return f, ok
}

// set changes the text of a field; nil removes it.
func (f *fieldPlace) set(t *yamltext.Edit, value any) error {
	if value == nil && isOperation(f.Parent) {
		return errors.New("it is an operation of a JSON patch, and removing its value leaves no operation")
	}
	return t.Set(f.Field, value)
}
