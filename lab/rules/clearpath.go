package rules

import (
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// clearPath removes the part of an object's specification at a path such as spec.subsets[1].trafficPolicy.tls: a field, an element of a
// list, or an entry of a map. It returns false if there is no such part.
func clearPath(spec proto.Message, path string) bool {
	return clearField(spec.ProtoReflect(), fieldpath.Steps(strings.TrimPrefix(path, "spec.")))
}

func clearField(m protoreflect.Message, steps []string) bool {
	if len(steps) == 0 {
		return false
	}
	f := m.Descriptor().Fields().ByJSONName(steps[0])
	if f == nil || !m.Has(f) {
		return false
	}
	rest := steps[1:]
	switch {
	case len(rest) == 0:
		m.Clear(f)
		return true
	case f.IsMap():
		key := protoreflect.ValueOfString(rest[0]).MapKey()
		if f.MapKey().Kind() != protoreflect.StringKind || !m.Get(f).Map().Has(key) {
			return false
		}
		m.Mutable(f).Map().Clear(key)
		return true
	case f.IsList():
		return clearElement(m.Mutable(f).List(), f, rest)
	case f.Message() != nil:
		return clearField(m.Mutable(f).Message(), rest)
	}
	return false
}

func clearElement(list protoreflect.List, f protoreflect.FieldDescriptor, steps []string) bool {
	i, err := strconv.Atoi(steps[0])
	switch {
	case err != nil || i >= list.Len():
		return false
	case len(steps) > 1:
		return f.Message() != nil && clearField(list.Get(i).Message(), steps[1:])
	}
	for ; i+1 < list.Len(); i++ {
		list.Set(i, list.Get(i+1))
	}
	list.Truncate(list.Len() - 1)
	return true
}
