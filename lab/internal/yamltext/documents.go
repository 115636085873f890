package yamltext

import (
	"bytes"
	"errors"
	"io"

	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// Document is one document of a YAML text.
type Document struct {
	Value any // a JSON value with json.Number for numbers
	Line  int // line on which it begins, from 1
}

// Parse returns the documents of a text without the empty ones. The error is the parser's, which Mistake and Reason explain.
func Parse(content []byte) (docs []Document, err error) {
	d := kyaml.NewDecoder(bytes.NewReader(content))
	for {
		var node kyaml.Node
		var decoded any
		switch err := d.Decode(&node); {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			return nil, err
		}
		if err := node.Decode(&decoded); err != nil {
			return nil, err
		}
		if decoded == nil {
			continue // nothing between two separators
		}
		v, err := JSON(decoded)
		if err != nil {
			return nil, err
		}
		docs = append(docs, Document{Value: v, Line: node.Content[0].Line})
	}
}
