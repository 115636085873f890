package overlay

import (
	"maps"
	"reflect"
	"slices"
)

// ManifestFields lists what the lab does with the fields of one kind of object, or of a kustomization file. For Istio's enforced kinds,
// package mesh lists the fields of the specification.
type ManifestFields struct {
	Kind        string          // "Deployment"
	APIVersions []string        // "apps/v1"
	Enforced    bool            // false: the whole kind is accepted but not enforced
	Fields      []ManifestField // sorted by path
}

// ManifestField is one field of a manifest.
type ManifestField struct {
	Path   string // "spec.template.spec.containers[].env[].name"; fields below an accepted one are not listed
	Status string // "enforced", "accepted" or "refused"
	Note   string // what the lab does with it, or why it is refused; may be empty
}

// Fields returns the fields that Load supports, kind by kind, Kubernetes' kinds first. Load refuses any other field as unknown.
func Fields() []ManifestFields {
	var all []ManifestFields
	for _, k := range kinds() {
		f := ManifestFields{Kind: k.name, APIVersions: k.apiVersions, Enforced: k.status == enforced}
		if f.Enforced {
			f.Fields = fieldList("", reflect.TypeOf(k.manifest).Elem())
		}
		all = append(all, f)
	}
	return all
}

// KustomizationFields returns the fields that Load supports in a kustomization file.
func KustomizationFields() ManifestFields {
	return ManifestFields{Kind: "Kustomization", Enforced: true, Fields: fieldList("", reflect.TypeFor[kustomization]())}
}

// fieldList lists the fields of a manifest's struct and of the structs below it.
func fieldList(path string, t reflect.Type) (list []ManifestField) {
	fields := fieldsOf(t)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		f := fields[name]
		at := name
		if path != "" {
			at = path + "." + name
		}
		below, suffix := elements(t.FieldByIndex(f.index).Type)
		if f.status == enforced && below.Kind() == reflect.Struct && below != reflect.TypeFor[anything]() {
			list = append(list, ManifestField{Path: at + suffix, Status: f.status.String(), Note: f.does})
			list = append(list, fieldList(at+suffix, below)...)
			continue
		}
		note := f.does
		if f.status == refused {
			note = f.why
		}
		list = append(list, ManifestField{Path: at, Status: f.status.String(), Note: note})
	}
	return list
}

// elements returns the element type of a pointer or a list, and the suffix that it adds to a path.
func elements(t reflect.Type) (below reflect.Type, suffix string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		if t.Kind() == reflect.Slice {
			suffix += "[]"
		}
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		suffix = ""
	}
	return t, suffix
}

// String returns the name of the status.
func (s status) String() string { return [...]string{"enforced", "accepted", "refused"}[s] }
