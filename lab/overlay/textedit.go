package overlay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// textEdit edits values in the text of a YAML file by the positions of its nodes, so that everything else keeps its bytes.
type textEdit struct {
	text   []byte
	above  int // lines of the file above the nodes' text
	indent int // columns of the file before the nodes' text
	pieces []piece
}

// piece replaces a part of the text.
type piece struct {
	from, to int
	text     string
}

// errForm is the error for a form of YAML whose end is not simple to find.
var errForm = errors.New("it is written in a form that cannot be edited safely: an anchor, an alias or a text of several lines")

// result returns the edited text.
func (t *textEdit) result() []byte {
	slices.SortStableFunc(t.pieces, func(a, b piece) int { return a.from - b.from })
	var out bytes.Buffer
	at := 0
	for _, p := range t.pieces {
		out.Write(t.text[at:max(at, p.from)])
		out.WriteString(p.text)
		at = max(at, p.to)
	}
	out.Write(t.text[at:])
	return out.Bytes()
}

// set sets or, with nil, removes a field.
func (t *textEdit) set(f fieldPlace, value any) error {
	switch {
	case f.at < 0 && value == nil:
		return nil
	case f.at < 0:
		return t.insert(f.parent, f.key, value)
	case value == nil && f.parent.Kind == kyaml.MappingNode && child(f.parent, "op") == nil:
		return t.remove(f.parent, f.at-1)
	case value == nil:
		return errors.New("it is an operation of a JSON patch, which cannot be removed alone")
	}
	return t.replace(f.parent.Content[f.at], value)
}

// replace gives a node another value. It changes only the parts that differ.
func (t *textEdit) replace(node *kyaml.Node, value any) error {
	if node.Anchor != "" || node.Kind == kyaml.AliasNode {
		return errForm
	}
	switch v := value.(type) {
	case map[string]any:
		if node.Kind == kyaml.MappingNode {
			return t.merge(node, v)
		}
	case []any:
		if node.Kind == kyaml.SequenceNode && len(node.Content) == len(v) {
			for i, e := range v {
				if err := t.replace(node.Content[i], e); err != nil {
					return err
				}
			}
			return nil
		}
	default:
		var old any
		if node.Kind == kyaml.ScalarNode && node.Decode(&old) == nil {
			if old, err := asJSON(old); err == nil && equalJSON(old, value) {
				return nil
			}
		}
	}
	from, err := t.offset(node)
	if err != nil {
		return err
	}
	to, err := t.end(node)
	t.pieces = append(t.pieces, piece{from, to, Flow(value)})
	return err
}

// merge gives a mapping the fields of a value.
func (t *textEdit) merge(node *kyaml.Node, value map[string]any) error {
	left := maps.Clone(value)
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i].Value
		v, ok := left[key]
		delete(left, key)
		if !ok {
			if err := t.remove(node, i); err != nil {
				return err
			}
		} else if err := t.replace(node.Content[i+1], v); err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(left)) {
		if err := t.insert(node, key, left[key]); err != nil {
			return err
		}
	}
	return nil
}

// insert adds a field at the end of a mapping, or an element at the end of a list.
func (t *textEdit) insert(node *kyaml.Node, key string, value any) error {
	text := Flow(value)
	if node.Kind == kyaml.MappingNode {
		text = Flow(key) + ": " + text
	}
	if len(node.Content) == 0 || node.Anchor != "" || node.Kind == kyaml.AliasNode {
		return errForm
	}
	end, err := t.end(node.Content[len(node.Content)-1])
	if err != nil {
		return err
	}
	if node.Style&kyaml.FlowStyle != 0 {
		t.pieces = append(t.pieces, piece{end, end, ", " + text})
		return nil
	}
	first, err := t.offset(node)
	if err != nil {
		return err
	}
	if node.Kind == kyaml.SequenceNode {
		text = "- " + text
	}
	text = strings.Repeat(" ", utf8.RuneCount(t.text[t.lineStart(first):first])) + text
	at, eol := t.lineEnd(end)
	t.pieces = append(t.pieces, piece{at, at, eol + text})
	return nil
}

// remove removes the field whose key is at an index of a mapping's content.
func (t *textEdit) remove(node *kyaml.Node, i int) error {
	if len(node.Content) <= 2 || node.Anchor != "" {
		return errors.New("it is the only field of its mapping")
	}
	from, err := t.offset(node.Content[i])
	if err != nil {
		return err
	}
	to, err := t.end(node.Content[i+1])
	if err != nil {
		return err
	}
	switch start := t.lineStart(from); {
	case node.Style&kyaml.FlowStyle != 0 && i > 0:
		from, err = t.end(node.Content[i-1])
	case node.Style&kyaml.FlowStyle != 0:
		to, err = t.offset(node.Content[i+2])
	case len(bytes.TrimSpace(t.text[start:from])) > 0:
		return errors.New("it begins on a line with other text")
	default:
		from = start
		if to, _ = t.lineEnd(to); bytes.HasPrefix(t.text[to:], []byte("\r\n")) {
			to++
		}
		if to < len(t.text) {
			to++
		}
	}
	t.pieces = append(t.pieces, piece{from, to, ""})
	return err
}

// offset returns the position of a node in the text, in bytes.
func (t *textEdit) offset(node *kyaml.Node) (int, error) {
	at := 0
	for range t.above + node.Line - 1 {
		n := bytes.IndexByte(t.text[at:], '\n')
		if n < 0 {
			return 0, errForm
		}
		at += n + 1
	}
	for range t.indent + node.Column - 1 {
		_, size := utf8.DecodeRune(t.text[at:])
		if size == 0 || t.text[at] == '\n' {
			return 0, errForm
		}
		at += size
	}
	return at, nil
}

// end returns the position after a node's text.
func (t *textEdit) end(node *kyaml.Node) (int, error) {
	at, err := t.offset(node)
	if err != nil {
		return 0, err
	}
	switch {
	case node.Anchor != "" || node.Kind == kyaml.AliasNode || node.Style&(kyaml.LiteralStyle|kyaml.FoldedStyle|kyaml.TaggedStyle) != 0:
		return 0, errForm
	case node.Style&(kyaml.FlowStyle|kyaml.SingleQuotedStyle|kyaml.DoubleQuotedStyle) != 0:
		return t.closing(at)
	case node.Kind == kyaml.ScalarNode:
		if node.Value == "" || !bytes.HasPrefix(t.text[at:], []byte(node.Value)) {
			return 0, errForm
		}
		return at + len(node.Value), nil
	case len(node.Content) == 0:
		return 0, errForm
	}
	return t.end(node.Content[len(node.Content)-1])
}

// closing returns the position after the quote or bracket that closes the one at a position.
func (t *textEdit) closing(at int) (int, error) {
	depth := 0
	for i := at; i < len(t.text); i++ {
		switch c := t.text[i]; {
		case c == '"' || c == '\'':
			if i = t.closingQuote(i); i < 0 {
				return 0, errForm
			}
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case c == '#' && i > 0 && (t.text[i-1] == ' ' || t.text[i-1] == '\n'):
			i, _ = t.lineEnd(i)
		}
		if depth == 0 {
			return i + 1, nil
		}
	}
	return 0, errForm
}

// closingQuote returns the position of the quote that closes the one at a position, or -1.
func (t *textEdit) closingQuote(at int) int {
	quote := t.text[at]
	for i := at + 1; i < len(t.text); i++ {
		switch {
		case quote == '"' && t.text[i] == '\\':
			i++
		case t.text[i] == quote && quote == '\'' && i+1 < len(t.text) && t.text[i+1] == quote:
			i++
		case t.text[i] == quote:
			return i
		}
	}
	return -1
}

// lineStart returns the position of the beginning of a line.
func (t *textEdit) lineStart(at int) int { return bytes.LastIndexByte(t.text[:at], '\n') + 1 }

// lineEnd returns the position of the end of a line, and the characters that end lines in the file.
func (t *textEdit) lineEnd(at int) (int, string) {
	n := bytes.IndexByte(t.text[at:], '\n')
	switch {
	case n < 0:
		return len(t.text), "\n"
	case n > 0 && t.text[at+n-1] == '\r':
		return at + n - 1, "\r\n"
	}
	return at + n, "\n"
}

// Flow returns a JSON value as YAML in one line: {attempts: 3, retryOn: 5xx}.
func Flow(value any) string {
	switch v := value.(type) {
	case map[string]any:
		parts := make([]string, 0, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, Flow(key)+": "+Flow(v[key]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = Flow(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case string:
		return flowText(v)
	case json.Number:
		return v.String()
	}
	return fmt.Sprint(value) // true, false
}

// flowText returns a text as a YAML scalar, in quotes if it would be read as something else without them.
func flowText(text string) string {
	plain := text != "" && !strings.ContainsFunc(text, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("._/-", c))
	}) && !strings.HasPrefix(text, "-") && !strings.HasPrefix(text, ".")
	var read any
	if plain && kyaml.Unmarshal([]byte(text), &read) == nil && read == any(text) {
		return text
	}
	return strconv.Quote(text)
}
