package overlay

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// NotEnforcedLine names in one line what the overlay holds that the lab accepts without enforcing it; "" if there is nothing.
func (o *Overlay) NotEnforcedLine() string {
	count := map[string]int{}
	for _, m := range o.NotEnforced {
		count[m.Kind]++
	}
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(count)) {
		parts = append(parts, fmt.Sprintf("%s (%d)", kind, count[kind]))
	}
	var fields []string
	for _, f := range o.NotEnforcedFields {
		_, name, _ := strings.Cut(f, " ")
		fields = append(fields, name)
	}
	slices.Sort(fields)
	parts = append(parts, slices.Compact(fields)...)
	if len(parts) == 0 {
		return ""
	}
	return "accepted but not enforced: " + strings.Join(parts, ", ")
}
