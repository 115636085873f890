package overlay

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// decodeIstio decodes the specification of an Istio object into an empty message. It does not use protojson because that accepts names that
// no API server accepts (per_try_timeout), strings for numbers and numbers for enums, refuses durations that Istio accepts ("1m", "100ms"),
// and stops at the first mistake without a path. So it sets the message field by field, with the same result as protojson.
func (s *strict) decodeIstio(spec any, into proto.Message) proto.Message {
	if spec == nil {
		spec = map[string]any{}
	}
	s.message("spec", spec, into.ProtoReflect())
	return into
}

// message decodes a JSON value into a message.
func (s *strict) message(path string, from any, into protoreflect.Message) {
	switch d := into.Descriptor(); d.FullName() {
	case "google.protobuf.Duration":
		s.duration(path, from, into)
		return
	case "google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue", "google.protobuf.Timestamp":
		s.wellKnown(path, from, into)
		return
	case "google.protobuf.BoolValue", "google.protobuf.StringValue", "google.protobuf.DoubleValue", "google.protobuf.FloatValue",
		"google.protobuf.Int32Value", "google.protobuf.Int64Value", "google.protobuf.UInt32Value", "google.protobuf.UInt64Value",
		"google.protobuf.BytesValue":
		f := d.Fields().ByName("value")
		if v, ok := s.single(path, from, f, protoreflect.Value{}); ok {
			into.Set(f, v)
		}
		return
	}
	m, ok := want[map[string]any](s, path, from)
	if !ok {
		return
	}
	fields := into.Descriptor().Fields()
	chosen := map[protoreflect.Name]string{} // for each oneof, the field that is set
	for _, name := range slices.Sorted(maps.Keys(m)) {
		at := fieldpath.Join(path, name)
		f := fields.ByJSONName(name)
		if f == nil || f.JSONName() != name {
			s.unknown(path, name, jsonNames(into.Descriptor()))
			continue
		}
		if o := f.ContainingOneof(); o != nil && !o.IsSynthetic() {
			if other, taken := chosen[o.Name()]; taken {
				s.problem(path, "want one of %s and %s, got both", other, name)
			}
			chosen[o.Name()] = name
		}
		s.field(at, m[name], f, into)
	}
}

// field decodes the value of a field of a message: a map, a list or a single value.
func (s *strict) field(path string, from any, f protoreflect.FieldDescriptor, into protoreflect.Message) {
	switch {
	case f.IsMap():
		m, ok := want[map[string]any](s, path, from)
		if !ok {
			return
		}
		values := into.Mutable(f).Map()
		for _, key := range slices.Sorted(maps.Keys(m)) {
			at := fieldpath.Join(path, key)
			k, known := s.key(at, key, f.MapKey())
			if v, ok := s.single(at, m[key], f.MapValue(), values.NewValue()); ok && known {
				values.Set(k, v)
			}
		}
	case f.IsList():
		l, ok := want[[]any](s, path, from)
		if !ok {
			return
		}
		list := into.Mutable(f).List()
		for i, e := range l {
			if v, ok := s.single(path+"["+strconv.Itoa(i)+"]", e, f, list.NewElement()); ok {
				list.Append(v)
			}
		}
	default:
		if v, ok := s.single(path, from, f, into.NewField(f)); ok {
			into.Set(f, v)
		}
	}
}

// single decodes one value of a field's kind. A message is decoded into the empty one that is given.
func (s *strict) single(path string, from any, f protoreflect.FieldDescriptor, empty protoreflect.Value) (protoreflect.Value, bool) {
	switch f.Kind() {
	case protoreflect.MessageKind:
		s.message(path, from, empty.Message())
		return empty, true
	case protoreflect.EnumKind:
		n, ok := s.enum(path, from, f.Enum())
		return protoreflect.ValueOfEnum(n), ok
	case protoreflect.BoolKind:
		v, ok := want[bool](s, path, from)
		return protoreflect.ValueOfBool(v), ok
	case protoreflect.StringKind:
		v, ok := want[string](s, path, from)
		return protoreflect.ValueOfString(v), ok
	case protoreflect.BytesKind:
		v, ok := s.bytes(path, from)
		return protoreflect.ValueOfBytes(v), ok
	}
	return s.number(path, from, f.Kind())
}

// key decodes the key of a mapping: a string, or a number written as a string, such as a port.
func (s *strict) key(path, key string, f protoreflect.FieldDescriptor) (protoreflect.MapKey, bool) {
	if f.Kind() == protoreflect.StringKind {
		return protoreflect.ValueOfString(key).MapKey(), true
	}
	v, ok := s.number(path, json.Number(key), f.Kind())
	return v.MapKey(), ok
}

// number decodes a number of a field's kind.
func (s *strict) number(path string, from any, kind protoreflect.Kind) (protoreflect.Value, bool) {
	switch kind {
	case protoreflect.DoubleKind:
		v, ok := s.float(path, from, 64)
		return protoreflect.ValueOfFloat64(v), ok
	case protoreflect.FloatKind:
		v, ok := s.float(path, from, 32)
		return protoreflect.ValueOfFloat32(float32(v)), ok
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		v, ok := s.whole(path, from, math.MinInt32, math.MaxInt32)
		return protoreflect.ValueOfInt32(int32(v)), ok
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		v, ok := s.whole(path, from, 0, math.MaxUint32)
		return protoreflect.ValueOfUint32(uint32(v)), ok
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		v, ok := s.whole(path, from, math.MinInt64, math.MaxInt64)
		return protoreflect.ValueOfInt64(v), ok
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		v, ok := s.whole(path, from, 0, math.MaxInt64)
		return protoreflect.ValueOfUint64(uint64(v)), ok
	}
	panic("overlay: no decoding for " + kind.String()) // a group; proto3 has none
}

// wellKnown lets protojson decode a value of a type with its own JSON format. No field that the lab enforces is of such a type.
func (s *strict) wellKnown(path string, from any, into protoreflect.Message) {
	encoded, err := json.Marshal(from)
	if err == nil {
		err = protojson.Unmarshal(encoded, into.Interface())
	}
	if err != nil {
		// protojson varies the spaces in its messages from build to build, so that no program compares them.
		s.problem(path, "%s", strings.Join(strings.Fields(err.Error()), " "))
	}
}

func (s *strict) bytes(path string, from any) ([]byte, bool) {
	text, ok := want[string](s, path, from)
	if !ok {
		return nil, false
	}
	encoding := base64.StdEncoding
	if strings.ContainsAny(text, "-_") {
		encoding = base64.URLEncoding
	}
	if len(text)%4 != 0 {
		encoding = encoding.WithPadding(base64.NoPadding)
	}
	v, err := encoding.DecodeString(text)
	if err != nil {
		s.problem(path, "want base64, got %s", fieldpath.Quote(text))
	}
	return v, err == nil
}

func (s *strict) float(path string, from any, bits int) (float64, bool) {
	n, ok := want[json.Number](s, path, from)
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseFloat(string(n), bits)
	if err != nil {
		s.problem(path, "want a number of %d bits, got %s", bits, n)
	}
	return v, err == nil
}

func (s *strict) enum(path string, from any, d protoreflect.EnumDescriptor) (protoreflect.EnumNumber, bool) {
	name, ok := want[string](s, path, from)
	if !ok {
		return 0, false
	}
	if v := d.Values().ByName(protoreflect.Name(name)); v != nil {
		return v.Number(), true
	}
	names := make([]string, d.Values().Len())
	for i := range names {
		names[i] = string(d.Values().Get(i).Name())
	}
	s.problem(path, "want one of %s, got %s", strings.Join(names, ", "), fieldpath.Quote(name))
	return 0, false
}

func (s *strict) whole(path string, from any, least, most int64) (int64, bool) {
	n, ok := want[json.Number](s, path, from)
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseInt(string(n), 10, 64)
	if err != nil || v < least || v > most {
		s.problem(path, "want a whole number from %d to %d, got %s", least, most, n)
		return 0, false
	}
	return v, true
}

// duration decodes a duration as Istio does, with time.ParseDuration.
func (s *strict) duration(path string, from any, into protoreflect.Message) {
	text, ok := from.(string)
	d, err := time.ParseDuration(text)
	if !ok || err != nil {
		s.problem(path, "want a duration like 1h, 1m, 1s or 1ms, got %s", describe(from))
		return
	}
	fields := into.Descriptor().Fields()
	into.Set(fields.ByName("seconds"), protoreflect.ValueOfInt64(int64(d/time.Second)))
	into.Set(fields.ByName("nanos"), protoreflect.ValueOfInt32(int32(d%time.Second)))
}

// jsonNames returns the names of a message's fields in YAML.
func jsonNames(d protoreflect.MessageDescriptor) []string {
	names := make([]string, d.Fields().Len())
	for i := range names {
		names[i] = d.Fields().Get(i).JSONName()
	}
	slices.Sort(names)
	return names
}
