package cases

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/internal/yamltext"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// An entry of tests is a case, or a group with its own tests. Each may have a table. A group's request and expect are those of its tests,
// unless these set the same key. A table makes an entry for each of its rows, in which ${column} is replaced by the row's value.

// expand calls each with every case below a list of entries: the entry, completed by its groups, and the name of its groups.
func (d *decoder) expand(list *kyaml.Node, request, expect *kyaml.Node, name string, each func(entry, request, expect *kyaml.Node, name string)) {
	if list.Kind != kyaml.SequenceNode {
		d.problem(list, "want a list of tests")
		return
	}
	for _, entry := range list.Content {
		for _, row := range d.rows(entry) {
			d.entry(row, request, expect, name, each)
		}
	}
}

func (d *decoder) entry(entry, request, expect *kyaml.Node, name string, each func(entry, request, expect *kyaml.Node, name string)) {
	if entry.Kind != kyaml.MappingNode {
		d.problem(entry, "want a test: name, request, expect")
		return
	}
	request, expect = merged(request, yamltext.Child(entry, "request")), merged(expect, yamltext.Child(entry, "expect"))
	if own := yamltext.Child(entry, "name"); own != nil && own.Value != "" {
		name = strings.TrimPrefix(name+"/"+own.Value, "/")
	}
	tests := yamltext.Child(entry, "tests")
	if tests == nil {
		d.keys(entry, "name", "request", "expect", "table")
		each(entry, request, expect, name)
		return
	}
	d.keys(entry, "name", "request", "expect", "table", "tests")
	d.expand(tests, request, expect, name, each)
}

// rows returns an entry once for each row of its table; the entry itself without a table.
func (d *decoder) rows(entry *kyaml.Node) []*kyaml.Node {
	table := yamltext.Child(entry, "table")
	if table == nil {
		return []*kyaml.Node{entry}
	}
	if table.Kind != kyaml.SequenceNode || len(table.Content) == 0 {
		d.problem(table, "want a list of rows: [{column: value, …}, …]")
		return nil
	}
	var out []*kyaml.Node
	for _, row := range table.Content {
		values := map[string]string{}
		for column, value := range yamltext.Pairs(row) {
			if value.Kind != kyaml.ScalarNode {
				d.problem(value, "want a string or a number in a table")
			}
			values[column.Value] = value.Value
		}
		if len(values) == 0 {
			d.problem(row, "want a row: {column: value, …}")
			continue
		}
		filled := d.fill(entry, values)
		filled.Line = row.Line
		if own := yamltext.Child(filled, "name"); own != nil && own.Value == yamltext.Child(entry, "name").Value { // the same for every row
			own.Value += " " + rowText(values)
		}
		out = append(out, filled)
	}
	return out
}

func rowText(values map[string]string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(values)) {
		parts = append(parts, k+"="+values[k])
	}
	return strings.Join(parts, ",")
}

// fill returns a copy of a node with the values of a row.
func (d *decoder) fill(node *kyaml.Node, values map[string]string) *kyaml.Node {
	out := *node
	if out.Kind == kyaml.ScalarNode && strings.Contains(out.Value, "${") {
		for column, value := range values {
			out.Value = strings.ReplaceAll(out.Value, "${"+column+"}", value)
		}
		out.Tag = "!!str"
	}
	out.Content = nil
	for _, c := range node.Content {
		if c == yamltext.Child(node, "table") {
			out.Content = append(out.Content, c)
			continue
		}
		out.Content = append(out.Content, d.fill(c, values))
	}
	return &out
}

// merged returns a mapping with the keys of both; those of own win, and their mappings are merged in the same way.
func merged(outer, own *kyaml.Node) *kyaml.Node {
	if outer == nil || own == nil || outer.Kind != kyaml.MappingNode || own.Kind != kyaml.MappingNode {
		if own != nil {
			return own
		}
		return outer
	}
	out := *own
	out.Content = slices.Clone(own.Content)
	for key, value := range yamltext.Pairs(outer) {
		at := slices.IndexFunc(own.Content, func(n *kyaml.Node) bool { return n.Value == key.Value })
		switch {
		case at < 0 && !(isTarget(key.Value) && hasTarget(own)):
			out.Content = append(out.Content, key, value)
		case at >= 0 && key.Value == "headers":
			out.Content[at+1] = merged(value, own.Content[at+1])
		}
	}
	return &out
}

// isTarget reports whether a key of a request is its method and URL in one: a test that sets one replaces the group's.
func isTarget(key string) bool { return methodOf(key) != "" || key == "url" || key == "method" }

func hasTarget(request *kyaml.Node) bool {
	for key := range yamltext.Pairs(request) {
		if methodOf(key.Value) != "" {
			return true
		}
	}
	return false
}

// methods are the keys of a request that set its method and its URL: "get: http://…".
var methods = []string{"get", "head", "post", "put", "patch", "delete", "options"}

// methodOf returns the method that a key of a request means.
func methodOf(key string) string {
	if slices.Contains(methods, key) {
		return strings.ToUpper(key)
	}
	return ""
}

// unnamed is the name of a case without one.
func unnamed(method, url, from string) string {
	if from == "" {
		return fmt.Sprintf("%s %s", method, url)
	}
	return fmt.Sprintf("%s %s from %s", method, url, from)
}
