package lint

import (
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/overlay"
	"github.com/hopline/hopline/lab/rules"
)

// IgnoreAnnotation is the annotation of an object whose value lists the codes that are not reported for it: "HL006, HL007".
const IgnoreAnnotation = "hopline.io/lint-ignore"

// annotated returns the codes that objects silence, by object.
func annotated(r *rules.Rules) (map[string][]string, error) {
	silence := map[string][]string{}
	report := r.Overlay.Report()
	for _, m := range slices.Concat(r.Overlay.Objects(), foreignObjects(r)) {
		value, ok := m.Annotations[IgnoreAnnotation]
		if !ok {
			continue
		}
		for _, name := range strings.Split(value, ",") {
			if name = strings.TrimSpace(name); !IsCode(name) {
				report.Add(m.String(), "metadata.annotations."+IgnoreAnnotation, "want codes from HL001 to %s, separated by commas, got %q", lastCode(), name)
			}
			silence[m.String()] = append(silence[m.String()], name)
		}
	}
	return silence, report.Err()
}

// foreignObjects returns the identities of the objects of other kinds, with their annotations.
func foreignObjects(r *rules.Rules) (metas []overlay.Meta) {
	for _, f := range r.Foreign() {
		f.Meta.Annotations = f.Texts("metadata", "annotations")
		metas = append(metas, f.Meta)
	}
	return metas
}

// IsCode reports whether there is a code of a name.
func IsCode(name string) bool {
	return slices.ContainsFunc(Codes(), func(c Code) bool { return c.Name == name })
}

func lastCode() string {
	codes := Codes()
	return codes[len(codes)-1].Name
}
