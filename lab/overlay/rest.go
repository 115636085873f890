package overlay

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Rest lists what Read leaves out of an overlay.
type Rest struct {
	Kinds   map[string]int // objects that do not affect routing: their number, by kind
	Fields  map[string]int // fields of the objects in the overlay that do not affect routing: their number, by name
	Files   []string       // files of directories that hold no object
	Limits  []Problem      // parts of the overlay's objects that Istio accepts and Hopline does not support, as far as no compiler finds them
	Foreign []Foreign      // objects that affect routing, of kinds that Hopline does not support

	Makers  map[string]string       // by namespace, an object left out whose controller may create pods and Services
	Subsets map[SubsetName]struct{} // the subsets that routes of VirtualServices name, those of TCP, TLS and delegates included
}

// Foreign is an object that affects routing and that no decision takes into account.
type Foreign struct {
	Meta
	Object map[string]any // as a JSON value
	Why    string         // why it is not computed
}

// Texts returns a mapping of texts in the object, such as that of "spec", "selector", "matchLabels".
func (f *Foreign) Texts(path ...string) map[string]string {
	at := f.Object
	for _, name := range path {
		at, _ = at[name].(map[string]any)
	}
	texts := map[string]string{}
	for key, value := range at {
		texts[key], _ = value.(string)
	}
	return texts
}

// newRest returns an empty Rest.
func newRest() *Rest {
	return &Rest{Kinds: map[string]int{}, Fields: map[string]int{}, Makers: map[string]string{}}
}

// Line counts in one line what Read left out because it does not affect routing; "" for nothing.
func (r *Rest) Line() string { return r.line(false) }

// line is Line. If named is set, it lists the names of the fields as well.
func (r *Rest) line(named bool) string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(r.Kinds)) {
		parts = append(parts, count(r.Kinds[kind], kind))
	}
	total := 0
	var names []string
	for _, name := range slices.Sorted(maps.Keys(r.Fields)) {
		total += r.Fields[name]
		names = append(names, fmt.Sprintf("%s %d", name, r.Fields[name]))
	}
	if total > 0 {
		fields := count(total, "field")
		if named {
			fields += " (" + strings.Join(names, ", ") + ")"
		}
		parts = append(parts, fields)
	}
	if len(r.Files) > 0 {
		parts = append(parts, fmt.Sprintf("%s without objects (%s)", count(len(r.Files), "file"), strings.Join(r.Files, ", ")))
	}
	if parts == nil {
		return ""
	}
	return "left out, without effect on routing: " + strings.Join(parts, ", ")
}

// count returns a number with a noun: "1 Secret", "2 Secrets", "2 NetworkPolicies".
func count(n int, noun string) string {
	switch stem, y := strings.CutSuffix(noun, "y"); {
	case n == 1:
	case y && !strings.HasSuffix(stem, "a"):
		noun = stem + "ies"
	case strings.HasSuffix(noun, "s"):
		noun += "es"
	default:
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
