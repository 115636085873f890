package overlay

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	"github.com/hopline/hopline/lab/internal/yamltext"
)

// Edit sets one field of a rendered object, or removes it.
type Edit struct {
	Object string // Meta.String(): "VirtualService hopline/middle"
	Path   string // "spec.http[1].route[0].weight"; the part before the last step must exist; the index after the last appends to a list
	Value  any    // a JSON value with json.Number for numbers; nil removes the field
}

// With returns the overlay with the edits applied to its rendered objects. It decodes and checks the result as Load does, so that an edit is
// rejected with the message that the same value in a file causes. The error is a *Report. The receiver is not changed.
func (o *Overlay) With(edits []Edit, checks ...Check) (*Overlay, error) {
	report := new(Report)
	objects := slices.Clone(o.rendered)
	for _, e := range edits {
		if err := e.apply(objects); err != nil {
			report.Add(e.Object, e.Path, "%v", err)
		}
	}
	if err := report.Err(); err != nil {
		return nil, err
	}
	found := o.withObjects(objects)
	found.complete(nil, report, checks)
	if err := report.Err(); err != nil {
		return nil, err
	}
	return found, nil
}

// withObjects returns the overlay with other rendered objects, none of which is decoded yet.
func (o *Overlay) withObjects(objects []map[string]any) *Overlay {
	other := &Overlay{Dir: o.Dir, Files: o.Files, sums: o.sums, places: o.places, EmptyFiles: o.EmptyFiles, rendered: objects, Lenient: o.Lenient}
	if o.Lenience != nil {
		other.Lenience = &Lenience{runs: o.Lenience.runs, files: o.Lenience.files}
	}
	return other
}

// apply applies an edit to the object that it names, which it replaces by a copy.
func (e Edit) apply(objects []map[string]any) error {
	i := slices.IndexFunc(objects, func(o map[string]any) bool { return identity(o) == e.Object })
	if i < 0 {
		return fmt.Errorf("the overlay has no such object")
	}
	edited, err := set(objects[i], fieldpath.Steps(e.Path), e.Value)
	if err == nil {
		objects[i] = edited.(map[string]any)
	}
	return err
}

// set returns a copy of a JSON value with the field at the end of the steps set or removed. Parts that are not on the way are shared.
func set(from any, steps []string, value any) (any, error) {
	if len(steps) == 0 {
		return value, nil
	}
	switch v := from.(type) {
	case map[string]any:
		v = maps.Clone(v)
		if len(steps) == 1 && value == nil {
			delete(v, steps[0])
			return v, nil
		}
		below, err := set(v[steps[0]], steps[1:], value)
		v[steps[0]] = below
		return v, err
	case []any:
		n, err := strconv.Atoi(steps[0])
		if err != nil || n < 0 || n > len(v) || n == len(v) && len(steps) > 1 {
			return nil, fmt.Errorf("there is no element %s", fieldpath.Quote(steps[0]))
		}
		v = slices.Clone(v)
		if n == len(v) {
			return append(v, value), nil
		}
		v[n], err = set(v[n], steps[1:], value)
		return v, err
	}
	return nil, fmt.Errorf("there is no field %s", fieldpath.Quote(steps[0]))
}

// Value returns a field of a rendered object as a JSON value with json.Number for numbers; nil if the object or the field is not there. The
// path is as that of an Edit. The caller must not change the value.
func (o *Overlay) Value(object, path string) any {
	i := slices.IndexFunc(o.rendered, func(o map[string]any) bool { return identity(o) == object })
	if i < 0 {
		return nil
	}
	value := any(o.rendered[i])
	for _, step := range fieldpath.Steps(path) {
		switch v := value.(type) {
		case map[string]any:
			value = v[step]
		case []any:
			n := fieldpath.Index(step)
			if n < 0 || n >= len(v) {
				return nil
			}
			value = v[n]
		default:
			return nil
		}
	}
	return value
}

// Rendered reports whether both overlays have the same objects with the same fields. If not, it returns the name of the first object that
// differs.
func (o *Overlay) Rendered(other *Overlay) (same bool, object string) {
	byName := map[string]map[string]any{}
	for _, object := range other.rendered {
		byName[identity(object)] = object
	}
	for _, object := range o.rendered {
		name := identity(object)
		if !yamltext.Equal(object, byName[name]) {
			return false, name
		}
		delete(byName, name)
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		return false, name
	}
	return true, ""
}
