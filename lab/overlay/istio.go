package overlay

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// decodeIstio decodes the specification of an object of Istio's. protojson alone would take names that no API server takes
// (per_try_timeout), texts for numbers and numbers for enums, would refuse durations that Istio takes ("1m", "100ms"), and would
// stop at the first mistake without a path. So the JSON is walked beside the message's descriptor first.
func (s *strict) decodeIstio(spec any, into proto.Message) proto.Message {
	before := len(s.report.Problems)
	if spec == nil {
		spec = map[string]any{}
	}
	spec = s.message("spec", spec, into.ProtoReflect().Descriptor())
	if len(s.report.Problems) > before {
		return into
	}
	encoded, err := json.Marshal(spec)
	if err == nil {
		err = protojson.Unmarshal(encoded, into)
	}
	if err != nil {
		// protojson varies the spaces of its messages from build to build, to keep people from matching them.
		s.problem("spec", "%s", strings.Join(strings.Fields(err.Error()), " "))
	}
	return into
}

// message checks a JSON value against a message and gives it back with durations as protojson wants them.
func (s *strict) message(path string, from any, d protoreflect.MessageDescriptor) any {
	switch d.FullName() {
	case "google.protobuf.Duration":
		return s.duration(path, from)
	case "google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue", "google.protobuf.Timestamp":
		return from // protojson knows these; no field that the lab enforces is of these types
	case "google.protobuf.BoolValue", "google.protobuf.StringValue", "google.protobuf.DoubleValue", "google.protobuf.FloatValue",
		"google.protobuf.Int32Value", "google.protobuf.Int64Value", "google.protobuf.UInt32Value", "google.protobuf.UInt64Value",
		"google.protobuf.BytesValue":
		return s.single(path, from, d.Fields().ByName("value"))
	}
	m, ok := want[map[string]any](s, path, from)
	if !ok {
		return from
	}
	fields, names := d.Fields(), jsonNames(d)
	chosen := map[protoreflect.Name]string{} // of each oneof, the field that is set
	out := make(map[string]any, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		at := join(path, name)
		f := fields.ByJSONName(name)
		if f == nil || f.JSONName() != name {
			s.problem(at, "%s", unknownField(name, names))
			continue
		}
		if o := f.ContainingOneof(); o != nil && !o.IsSynthetic() {
			if other, taken := chosen[o.Name()]; taken {
				s.problem(path, "want one of %s and %s, got both", other, name)
			}
			chosen[o.Name()] = name
		}
		out[name] = s.field(at, m[name], f)
	}
	return out
}

// field checks the value of a field: a map, a list or a single value.
func (s *strict) field(path string, from any, f protoreflect.FieldDescriptor) any {
	switch {
	case f.IsMap():
		m, ok := want[map[string]any](s, path, from)
		if !ok {
			return from
		}
		out := make(map[string]any, len(m))
		for _, key := range slices.Sorted(maps.Keys(m)) {
			out[key] = s.single(join(path, key), m[key], f.MapValue())
		}
		return out
	case f.IsList():
		l, ok := want[[]any](s, path, from)
		if !ok {
			return from
		}
		out := make([]any, len(l))
		for i, e := range l {
			out[i] = s.single(fmt.Sprintf("%s[%d]", path, i), e, f)
		}
		return out
	}
	return s.single(path, from, f)
}

// single checks one value against the kind of its field.
func (s *strict) single(path string, from any, f protoreflect.FieldDescriptor) any {
	switch f.Kind() {
	case protoreflect.MessageKind:
		return s.message(path, from, f.Message())
	case protoreflect.EnumKind:
		s.enum(path, from, f.Enum())
	case protoreflect.BoolKind:
		want[bool](s, path, from)
	case protoreflect.StringKind, protoreflect.BytesKind:
		want[string](s, path, from)
	case protoreflect.DoubleKind, protoreflect.FloatKind:
		want[json.Number](s, path, from)
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		s.whole(path, from, math.MinInt32, math.MaxInt32)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		s.whole(path, from, 0, math.MaxUint32)
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		s.whole(path, from, math.MinInt64, math.MaxInt64)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		s.whole(path, from, 0, math.MaxInt64)
	}
	return from
}

func (s *strict) enum(path string, from any, d protoreflect.EnumDescriptor) {
	name, ok := want[string](s, path, from)
	if !ok || d.Values().ByName(protoreflect.Name(name)) != nil {
		return
	}
	names := make([]string, d.Values().Len())
	for i := range names {
		names[i] = string(d.Values().Get(i).Name())
	}
	s.problem(path, "want one of %s, got %s", strings.Join(names, ", "), quote(name))
}

func (s *strict) whole(path string, from any, least, most int64) {
	n, ok := want[json.Number](s, path, from)
	if !ok {
		return
	}
	if v, err := strconv.ParseInt(string(n), 10, 64); err != nil || v < least || v > most {
		s.problem(path, "want a whole number from %d to %d, got %s", least, most, n)
	}
}

// duration reads a duration as Istio does, with time.ParseDuration, and writes it as protojson wants it: "100ms" as "0.1s".
func (s *strict) duration(path string, from any) any {
	text, ok := from.(string)
	d, err := time.ParseDuration(text)
	if !ok || err != nil {
		s.problem(path, "want a duration like 1h, 1m, 1s or 1ms, got %s", describe(from))
		return from
	}
	sign := ""
	if d < 0 {
		sign = "-"
	}
	return fmt.Sprintf("%s%d.%09ds", sign, int64((d / time.Second).Abs()), int64((d % time.Second).Abs()))
}

// jsonNames are the names of a message's fields as they stand in YAML.
func jsonNames(d protoreflect.MessageDescriptor) []string {
	names := make([]string, d.Fields().Len())
	for i := range names {
		names[i] = d.Fields().Get(i).JSONName()
	}
	slices.Sort(names)
	return names
}
