// Package yamltext reads YAML as nodes with positions and as JSON values, and edits its text by the positions, so that everything else keeps its
// bytes. It also finds the line of a mistake in a text.
package yamltext

import (
	"bytes"
	"iter"

	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// Documents returns the documents of a file as far as it can be parsed.
func Documents(content []byte) (docs []*kyaml.Node) {
	d := kyaml.NewDecoder(bytes.NewReader(content))
	for {
		var doc kyaml.Node
		if d.Decode(&doc) != nil {
			return docs
		}
		if doc.Kind == kyaml.DocumentNode && len(doc.Content) == 1 && doc.Content[0].Tag != "!!null" {
			docs = append(docs, doc.Content[0])
		}
	}
}

// Pairs returns the keys and values of a mapping; nothing for any other node, or nil.
func Pairs(node *kyaml.Node) iter.Seq2[*kyaml.Node, *kyaml.Node] {
	return func(yield func(key, value *kyaml.Node) bool) {
		if node == nil || node.Kind != kyaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(node.Content); i += 2 {
			if !yield(node.Content[i], node.Content[i+1]) {
				return
			}
		}
	}
}

// Child returns the value of a key of a mapping, or nil.
func Child(node *kyaml.Node, key string) *kyaml.Node {
	for k, value := range Pairs(node) {
		if k.Value == key {
			return value
		}
	}
	return nil
}

// Elements returns the elements of a list; none for anything else.
func Elements(node *kyaml.Node) []*kyaml.Node {
	if node == nil || node.Kind != kyaml.SequenceNode {
		return nil
	}
	return node.Content
}

// Scalar returns the text of a scalar; "" for anything else.
func Scalar(node *kyaml.Node) string {
	if node == nil || node.Kind != kyaml.ScalarNode {
		return ""
	}
	return node.Value
}
