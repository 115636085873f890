package yamltext

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

// Edit edits values in the text of a YAML file.
type Edit struct {
	Text   []byte
	Above  int // lines of the file above the text of the nodes that follow
	Indent int // columns of the file before the text of the nodes that follow
	pieces []piece
}

// Field is a place for a value: a field of a mapping or an element of a list.
type Field struct {
	Parent *kyaml.Node // the mapping or list
	Key    string      // in a mapping
	At     int         // index of the value in Parent.Content; -1 if it is not there
}

// piece replaces a part of the text.
type piece struct {
	from, to int
	text     string
}

// errForm is the error for a form of YAML whose end is not simple to find.
var errForm = errors.New("it is written in a form that cannot be edited safely: an anchor, an alias or a text of several lines")

// Result returns the edited text.
func (t *Edit) Result() []byte {
	slices.SortStableFunc(t.pieces, func(a, b piece) int { return a.from - b.from })
	var out bytes.Buffer
	at := 0
	for _, p := range t.pieces {
		out.Write(t.Text[at:max(at, p.from)])
		out.WriteString(p.text)
		at = max(at, p.to)
	}
	out.Write(t.Text[at:])
	return out.Bytes()
}

// Set sets or, with nil, removes a value. The error states why the text cannot be edited safely.
func (t *Edit) Set(f Field, value any) error {
	switch {
	case f.At < 0 && value == nil:
		return nil
	case f.At < 0:
		return t.insert(f.Parent, f.Key, value)
	case value == nil && f.Parent.Kind == kyaml.MappingNode:
		return t.remove(f.Parent, f.At-1)
	case value == nil:
		return errors.New("it is an element of a list, whose other elements would move")
	}
	return t.replace(f.Parent.Content[f.At], value)
}

// replace gives a node another value. It changes only the parts that differ.
func (t *Edit) replace(node *kyaml.Node, value any) error {
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
			if old, err := JSON(old); err == nil && Equal(old, value) {
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
func (t *Edit) merge(node *kyaml.Node, value map[string]any) error {
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
func (t *Edit) insert(node *kyaml.Node, key string, value any) error {
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
	text = strings.Repeat(" ", utf8.RuneCount(t.Text[t.lineStart(first):first])) + text
	at, eol := t.lineEnd(end)
	t.pieces = append(t.pieces, piece{at, at, eol + text})
	return nil
}

// remove removes the field whose key is at an index of a mapping's content.
func (t *Edit) remove(node *kyaml.Node, i int) error {
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
	case len(bytes.TrimSpace(t.Text[start:from])) > 0:
		return errors.New("it begins on a line with other text")
	default:
		from = start
		if to, _ = t.lineEnd(to); bytes.HasPrefix(t.Text[to:], []byte("\r\n")) {
			to++
		}
		if to < len(t.Text) {
			to++
		}
	}
	t.pieces = append(t.pieces, piece{from, to, ""})
	return err
}

// offset returns the position of a node in the text, in bytes.
func (t *Edit) offset(node *kyaml.Node) (int, error) {
	at := 0
	for range t.Above + node.Line - 1 {
		n := bytes.IndexByte(t.Text[at:], '\n')
		if n < 0 {
			return 0, errForm
		}
		at += n + 1
	}
	for range t.Indent + node.Column - 1 {
		_, size := utf8.DecodeRune(t.Text[at:])
		if size == 0 || t.Text[at] == '\n' {
			return 0, errForm
		}
		at += size
	}
	return at, nil
}

// end returns the position after a node's text.
func (t *Edit) end(node *kyaml.Node) (int, error) {
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
		if node.Value == "" || !bytes.HasPrefix(t.Text[at:], []byte(node.Value)) {
			return 0, errForm
		}
		return at + len(node.Value), nil
	case len(node.Content) == 0:
		return 0, errForm
	}
	return t.end(node.Content[len(node.Content)-1])
}

// closing returns the position after the quote or bracket that closes the one at a position.
func (t *Edit) closing(at int) (int, error) {
	depth := 0
	for i := at; i < len(t.Text); i++ {
		switch c := t.Text[i]; {
		case c == '"' || c == '\'':
			if i = t.closingQuote(i); i < 0 {
				return 0, errForm
			}
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case c == '#' && i > 0 && (t.Text[i-1] == ' ' || t.Text[i-1] == '\n'):
			i, _ = t.lineEnd(i)
		}
		if depth == 0 {
			return i + 1, nil
		}
	}
	return 0, errForm
}

// closingQuote returns the position of the quote that closes the one at a position, or -1.
func (t *Edit) closingQuote(at int) int {
	quote := t.Text[at]
	for i := at + 1; i < len(t.Text); i++ {
		switch {
		case quote == '"' && t.Text[i] == '\\':
			i++
		case t.Text[i] == quote && quote == '\'' && i+1 < len(t.Text) && t.Text[i+1] == quote:
			i++
		case t.Text[i] == quote:
			return i
		}
	}
	return -1
}

// lineStart returns the position of the beginning of a line.
func (t *Edit) lineStart(at int) int { return bytes.LastIndexByte(t.Text[:at], '\n') + 1 }

// lineEnd returns the position of the end of a line, and the characters that end lines in the file.
func (t *Edit) lineEnd(at int) (int, string) {
	n := bytes.IndexByte(t.Text[at:], '\n')
	switch {
	case n < 0:
		return len(t.Text), "\n"
	case n > 0 && t.Text[at+n-1] == '\r':
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
