package convert

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/yaml"

	"github.com/hopline/hopline/lab/overlay"
)

// manifest holds the fields of an object to write.
type manifest struct {
	APIVersion string   `field:"apiVersion"`
	Kind       string   `field:"kind"`
	Metadata   metadata `field:"metadata"`
	Spec       any      `field:"spec"`
}

type metadata struct {
	Name        string            `field:"name"`
	Namespace   string            `field:"namespace"`
	Labels      map[string]string `field:"labels"`
	Annotations map[string]string `field:"annotations"`
}

// YAML returns the objects as YAML documents.
func (r *Result) YAML() ([]byte, error) {
	var b bytes.Buffer
	for i, o := range r.Objects {
		text, err := o.yaml()
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteString("---\n")
		}
		b.Write(text)
	}
	return b.Bytes(), nil
}

func (o *Object) yaml() ([]byte, error) {
	m := manifest{o.APIVersion, o.Kind, metadata{o.Name, o.Namespace, o.Labels, o.Annotations}, o.Spec}
	node, err := nodeOf(reflect.ValueOf(m))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o, err)
	}
	var b bytes.Buffer
	encoder := kyaml.NewEncoder(&b)
	if err := errors.Join(encoder.Encode(node), encoder.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", o, err)
	}
	return b.Bytes(), nil
}

// nodeOf returns a value as YAML, with the fields of a struct in their order and without those that are not set. It returns nil for a value
// that is not set. A pointer that is not nil is set.
func nodeOf(v reflect.Value) (*kyaml.Node, error) {
	if !v.IsValid() {
		return nil, nil
	}
	if message, ok := v.Interface().(proto.Message); ok {
		return messageNode(message)
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil, nil
		}
		if e := v.Elem(); v.Kind() == reflect.Pointer && e.Kind() != reflect.Struct {
			return leaf(e.Interface())
		}
		return nodeOf(v.Elem())
	case reflect.Struct:
		return structNode(v)
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Struct {
			break
		}
		return listNode(v)
	case reflect.Map:
		if v.Len() == 0 {
			return nil, nil
		}
		return leaf(v.Interface())
	}
	if v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0 {
		return nil, nil
	}
	return leaf(v.Interface())
}

func leaf(value any) (*kyaml.Node, error) {
	node := &kyaml.Node{}
	return node, node.Encode(value)
}

func structNode(v reflect.Value) (*kyaml.Node, error) {
	node := &kyaml.Node{Kind: kyaml.MappingNode}
	for _, field := range reflect.VisibleFields(v.Type()) {
		name, _, _ := strings.Cut(field.Tag.Get("field"), ",")
		if f := v.FieldByIndex(field.Index); name != "" && (f.Kind() != reflect.Struct || f.NumField() > 0) {
			value, err := nodeOf(f)
			if err != nil {
				return nil, err
			}
			if value != nil {
				node.Content = append(node.Content, &kyaml.Node{Kind: kyaml.ScalarNode, Value: name}, value)
			}
		}
	}
	if len(node.Content) == 0 {
		node.Style = kyaml.FlowStyle
	}
	return node, nil
}

func listNode(v reflect.Value) (*kyaml.Node, error) {
	if v.Len() == 0 {
		return nil, nil
	}
	node := &kyaml.Node{Kind: kyaml.SequenceNode}
	for i := range v.Len() {
		value, err := nodeOf(v.Index(i))
		if err != nil {
			return nil, err
		}
		node.Content = append(node.Content, value)
	}
	return node, nil
}

// messageNode returns an Istio message as YAML.
func messageNode(message proto.Message) (*kyaml.Node, error) {
	encoded, err := protojson.Marshal(message)
	if err != nil {
		return nil, err
	}
	text, err := yaml.JSONToYAML(encoded)
	if err != nil {
		return nil, err
	}
	var document kyaml.Node
	if err := kyaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	return document.Content[0], nil
}

// fileName returns the name of the file of an object: "httproute-hopline-middle.yaml".
func (o *Object) fileName() string {
	return strings.ToLower(o.Kind) + "-" + o.Namespace + "-" + o.Name + ".yaml"
}

// kinds counts the objects of each kind, in the order of their first occurrence: "7 Services, 1 Gateway and 5 HTTPRoutes".
func kinds(all []overlay.Meta) string {
	var order []string
	counts := map[string]int{}
	for _, m := range all {
		if counts[m.Kind]++; counts[m.Kind] == 1 {
			order = append(order, m.Kind)
		}
	}
	parts := slices.Clone(order)
	for i, kind := range order {
		parts[i] = fmt.Sprintf("%d %s", counts[kind], kind)
		if counts[kind] > 1 {
			parts[i] += "s"
		}
	}
	if last := len(parts) - 1; last > 0 {
		return strings.Join(parts[:last], ", ") + " and " + parts[last]
	}
	return strings.Join(parts, "")
}
