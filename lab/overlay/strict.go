package overlay

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	"github.com/hopline/hopline/lab/internal/nearest"
)

// The structs that manifests are decoded into are also the lists of the fields that the lab supports. Each field has a tag
//
//	field:"name"            enforced
//	field:"name,required"   enforced, and an object without it is refused
//	field:"name,accepted"   checked as strictly as the rest, but not enforced
//	field:"name,refused"    valid in Kubernetes and refused; the tag why gives the reason
//
// Any other field is refused as unknown. The tag does describes what the lab does with a field, if its name does not.
const (
	fieldTag = "field"
	whyTag   = "why"
	doesTag  = "does"
)

// intOrString is a number or a string, kept as a string: a port or a percentage.
type intOrString string

// anything is a value that is accepted unchecked, because nothing reads it.
type anything struct{}

// strict decodes JSON values into structs with field tags. It reports all mismatches instead of stopping at the first.
type strict struct {
	report     *Report
	object     string
	unenforced map[string]struct{} // names of accepted fields that occur, as "Deployment resources"
	kind       string
	holes      holes
	element    string         // the name of the innermost list element that has one
	left       map[string]int // if set, unknown and refused fields are left out, and counted here
	exact      bool           // unknown fields are problems even then, except in metadata, where an API server adds some
}

// problem reports a field that could not be read, and records its path as a hole of the object.
func (s *strict) problem(path, reason string, args ...any) {
	s.holes = append(s.holes, path)
	s.report.Add(s.object, path, reason, args...)
}

// holes are the paths of an object that could not be read.
type holes []string

// touch reports whether a problem of a field may be false because its cause was not read: the field is around, at, or below a hole.
func (h holes) touch(path string) bool {
	for _, hole := range h {
		if around(path, hole) || around(hole, path) {
			return true
		}
	}
	return false
}

// around reports whether outer is inner or a field around it.
func around(outer, inner string) bool {
	rest, ok := strings.CutPrefix(inner, outer)
	return ok && (outer == "" || rest == "" || rest[0] == '.' || rest[0] == '[')
}

// decode copies a JSON value (with json.Number for numbers) into a Go value. As for Kubernetes' own types, null is a missing value.
func (s *strict) decode(path string, from any, into reflect.Value) {
	if from == nil {
		return
	}
	switch into.Interface().(type) {
	case anything:
		return
	case intOrString:
		s.decodeIntOrString(path, from, into)
		return
	}
	switch into.Kind() {
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		s.decode(path, from, into.Elem())
	case reflect.Struct:
		if m, ok := want[map[string]any](s, path, from); ok {
			s.decodeStruct(path, m, into)
		}
	case reflect.Map:
		if m, ok := want[map[string]any](s, path, from); ok {
			s.decodeMap(path, m, into)
		}
	case reflect.Slice:
		if l, ok := want[[]any](s, path, from); ok {
			into.Set(reflect.MakeSlice(into.Type(), len(l), len(l)))
			for i, e := range l {
				s.decodeElement(fmt.Sprintf("%s[%d]", path, i), e, into.Index(i))
			}
		}
	case reflect.String:
		s.decodeString(path, from, into)
	case reflect.Bool:
		if v, ok := want[bool](s, path, from); ok {
			into.SetBool(v)
		}
	case reflect.Int:
		s.decodeInt(path, from, into)
	default:
		panic("overlay: no decoding for " + into.Type().String()) // a mistake in a manifest's struct
	}
}

func (s *strict) decodeElement(path string, from any, into reflect.Value) {
	outer := s.element
	if m, ok := from.(map[string]any); ok {
		s.element, _ = m["name"].(string)
	}
	s.decode(path, from, into)
	s.element = outer
}

// decodeString also reports how to write a number or a boolean as a string, and of which variable or port it is, because patches move list
// elements.
func (s *strict) decodeString(path string, from any, into reflect.Value) {
	v, ok := from.(string)
	if ok {
		into.SetString(v)
		return
	}
	owner := ""
	if s.element != "" {
		owner = s.element + ": "
	}
	switch from.(type) {
	case json.Number, bool:
		s.problem(path, "%swant a string, got %s; write \"%v\"", owner, describe(from), from)
	default:
		s.problem(path, "%swant a string, got %s", owner, describe(from))
	}
}

func (s *strict) decodeStruct(path string, from map[string]any, into reflect.Value) {
	fields := fieldsOf(into.Type())
	for _, name := range slices.Sorted(maps.Keys(from)) {
		at := fieldpath.Join(path, name)
		f, ok := fields[name]
		switch {
		case s.left != nil && (!ok && (!s.exact || path == "metadata") || f.status == refused):
			s.left[name]++
			continue
		case !ok:
			s.unknown(path, name, slices.Sorted(maps.Keys(fields)))
			continue
		case f.status == refused && from[name] != nil:
			s.problem(at, "not supported by the lab: %s", f.why)
			continue
		case f.status == accepted && from[name] != nil:
			s.unenforced[s.kind+" "+name] = struct{}{}
		}
		s.decode(at, from[name], into.FieldByIndex(f.index))
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if fields[name].required && from[name] == nil {
			s.problem(fieldpath.Join(path, name), "missing")
		}
	}
}

// unknown reports an unknown field. The field that was probably meant is a hole, too.
func (s *strict) unknown(path, name string, known []string) {
	s.problem(fieldpath.Join(path, name), "%s", unknownField(name, known))
	if meant := nearest.Name(name, known); meant != "" {
		s.holes = append(s.holes, fieldpath.Join(path, meant))
	}
}

func (s *strict) decodeMap(path string, from map[string]any, into reflect.Value) {
	into.Set(reflect.MakeMapWithSize(into.Type(), len(from)))
	for _, key := range slices.Sorted(maps.Keys(from)) {
		v := reflect.New(into.Type().Elem()).Elem()
		s.decode(fieldpath.Join(path, key), from[key], v)
		into.SetMapIndex(reflect.ValueOf(key), v)
	}
}

func (s *strict) decodeInt(path string, from any, into reflect.Value) {
	n, ok := want[json.Number](s, path, from)
	if !ok {
		return
	}
	v, err := strconv.ParseInt(string(n), 10, 32)
	if err != nil {
		s.problem(path, "want a whole number from %d to %d, got %s", math.MinInt32, math.MaxInt32, n)
		return
	}
	into.SetInt(v)
}

func (s *strict) decodeIntOrString(path string, from any, into reflect.Value) {
	switch v := from.(type) {
	case string:
		into.SetString(v)
	case json.Number:
		into.SetString(string(v))
	default:
		s.problem(path, "want a number or a string, got %s", describe(from))
	}
}

// want returns the value as a T, or reports the wanted type.
func want[T any](s *strict, path string, from any) (T, bool) {
	v, ok := from.(T)
	if !ok {
		var zero any = v
		s.problem(path, "want %s, got %s", kindOf(zero), describe(from))
	}
	return v, ok
}

// kindOf returns the name of a JSON value's kind.
func kindOf(v any) string {
	switch v.(type) {
	case map[string]any:
		return "a mapping"
	case []any:
		return "a list"
	case string:
		return "a string"
	case bool:
		return "true or false"
	case json.Number:
		return "a number"
	}
	return "nothing"
}

// describe formats a JSON value for a message: scalars in full but shortened, others by kind.
func describe(v any) string {
	switch v := v.(type) {
	case string:
		return fieldpath.Quote(v)
	case json.Number:
		return "the number " + string(v)
	case bool:
		return strconv.FormatBool(v)
	case nil:
		return "null"
	}
	return kindOf(v)
}

// status is the list that a field belongs to.
type status int

const (
	enforced status = iota
	accepted
	refused
)

// field is one field of a manifest's struct.
type field struct {
	index     []int
	status    status
	required  bool
	why, does string
}

// fieldsOf reads the tags of a manifest's struct. The fields of embedded structs are its own.
func fieldsOf(t reflect.Type) map[string]field {
	fields := make(map[string]field, t.NumField())
	for _, of := range reflect.VisibleFields(t) {
		name, option, _ := strings.Cut(of.Tag.Get(fieldTag), ",")
		if name == "" {
			continue
		}
		f := field{index: of.Index, why: of.Tag.Get(whyTag), does: of.Tag.Get(doesTag)}
		switch option {
		case "required":
			f.required = true
		case "accepted":
			f.status = accepted
		case "refused":
			f.status = refused
		}
		fields[name] = f
	}
	return fields
}

// unknownField returns the message about an unknown field, with the name that was probably meant.
func unknownField(name string, known []string) string {
	if meant := nearest.DidYouMean(name, known); meant != "" {
		return "unknown field" + meant
	}
	return "unknown field, or one that the lab does not support"
}
