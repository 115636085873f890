package overlay

import (
	"bytes"
	"encoding/json"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"pgregory.net/rapid"
)

// TestIstioIsDecodedAsProtojsonDecodes checks that decoding the output of protojson for a specification gives the same specification.
func TestIstioIsDecodedAsProtojsonDecodes(t *testing.T) {
	t.Parallel()
	for _, k := range kinds() {
		if k.spec == nil {
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				want := k.spec()
				fill(t, want.ProtoReflect(), 5)
				encoded, err := protojson.Marshal(want)
				if err != nil {
					t.Fatal(err)
				}
				var spec any
				d := json.NewDecoder(bytes.NewReader(encoded))
				d.UseNumber()
				if err := d.Decode(&spec); err != nil {
					t.Fatal(err)
				}
				report := new(Report)
				s := &strict{report: report, object: k.name, unenforced: map[string]struct{}{}, kind: k.name}
				got := s.decodeIstio(spec, k.spec())
				if err := report.Err(); err != nil {
					t.Fatalf("%s: %v", encoded, err)
				}
				if !proto.Equal(want, got) {
					t.Fatalf("%s: got %v", encoded, got)
				}
			})
		})
	}
}

// fill sets some of a message's fields, up to depth levels deep.
func fill(t *rapid.T, m protoreflect.Message, depth int) {
	if d, ok := m.Interface().(*durationpb.Duration); ok {
		d.Seconds, d.Nanos = rapid.Int64Range(0, 1e6).Draw(t, "s"), rapid.Int32Range(0, 999_999_999).Draw(t, "ns")
		return
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if !rapid.Bool().Draw(t, string(f.FullName())) || depth == 0 && f.Message() != nil {
			continue
		}
		if k := f.Kind(); k == protoreflect.Int64Kind || k == protoreflect.Uint64Kind {
			continue // protojson writes these as strings, but the API server requires numbers
		}
		if o := f.ContainingOneof(); o != nil && m.WhichOneof(o) != nil {
			continue
		}
		switch {
		case f.IsMap():
			values := m.Mutable(f).Map()
			values.Set(someValue(t, f.MapKey(), protoreflect.Value{}, depth).MapKey(), someValue(t, f.MapValue(), values.NewValue(), depth))
		case f.IsList():
			list := m.Mutable(f).List()
			for range rapid.IntRange(1, 2).Draw(t, "n") {
				list.Append(someValue(t, f, list.NewElement(), depth))
			}
		default:
			m.Set(f, someValue(t, f, m.NewField(f), depth))
		}
	}
}

// someValue returns a value of a field's kind; it fills a message.
func someValue(t *rapid.T, f protoreflect.FieldDescriptor, empty protoreflect.Value, depth int) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.MessageKind:
		fill(t, empty.Message(), depth-1)
		return empty
	case protoreflect.EnumKind:
		values := f.Enum().Values()
		return protoreflect.ValueOfEnum(values.Get(rapid.IntRange(0, values.Len()-1).Draw(t, "enum")).Number())
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(rapid.Bool().Draw(t, "bool"))
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(rapid.String().Draw(t, "string"))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(rapid.Float64Range(-1e9, 1e9).Draw(t, "double"))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(rapid.Float32Range(-1e9, 1e9).Draw(t, "float"))
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(rapid.Int32().Draw(t, "int32"))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(rapid.Uint32().Draw(t, "uint32"))
	}
	t.Fatalf("%s: no value of kind %v", f.FullName(), f.Kind())
	return protoreflect.Value{}
}
