package drive

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// routeRule is a rule of an HTTPRoute as the overlay has it, with what changes need of it.
type routeRule struct {
	path     string // "spec.rules[1]"
	written  map[string]any
	backends []backend
}

// backend is one of the weighted destinations of a rule.
type backend struct {
	name   string
	weight json.Number // 1 without a weight
}

// isRoute reports whether an object is an HTTPRoute.
func isRoute(object string) bool { return strings.HasPrefix(object, "HTTPRoute ") }

// routeRuleOf returns the rule of an HTTPRoute in an overlay.
func routeRuleOf(o *overlay.Overlay, rule *mesh.Rule) routeRule {
	r := routeRule{path: "spec." + rule.Place}
	r.written, _ = o.Value(rule.Object, r.path).(map[string]any)
	list, _ := r.written["backendRefs"].([]any)
	for _, value := range list {
		ref, _ := value.(map[string]any)
		b := backend{weight: "1"}
		b.name, _ = ref["name"].(string)
		if weight, ok := ref["weight"].(json.Number); ok {
			b.weight = weight
		}
		r.backends = append(r.backends, b)
	}
	return r
}

// names returns the names of the rule's destinations: those of their Services.
func (r *routeRule) names() (list []string) {
	for _, b := range r.backends {
		list = append(list, b.name)
	}
	return list
}

// refused returns why a kind of change does not apply to a rule of an HTTPRoute; nil if it does.
func refused(kind Kind, object string) error {
	if kind != Fault {
		return nil
	}
	return fmt.Errorf("kind: an HTTPRoute has no field for faults: want %s, %s, %s or %s of %s, got %s; the kind %s sets those of a workload's services",
		Weights, Timeout, Retries, Mirror, object, kind, Faults)
}

// routeEdits returns the fields that a change sets in a rule of an HTTPRoute.
func (c *Change) routeEdits(r routeRule) ([]overlay.Edit, error) {
	if err := refused(c.Kind, c.Object); err != nil {
		return nil, err
	}
	if c.Kind == Weights {
		return c.weightEdits(r.names(), func(i int) string { return r.path + ".backendRefs[" + strconv.Itoa(i) + "].weight" })
	}
	value, err := decodeValue(c.Value)
	if err != nil {
		return nil, err
	}
	switch c.Kind {
	case Timeout:
		return c.timeoutEdits(r, value)
	case Mirror:
		return c.mirrorEdits(r, value)
	}
	return []overlay.Edit{{Object: c.Object, Path: r.path + ".retry", Value: value}}, nil
}

// timeoutEdits returns the timeouts of a rule. A text is the timeout of the whole request, and leaves that of each try as it is; null removes both.
func (c *Change) timeoutEdits(r routeRule, value any) ([]overlay.Edit, error) {
	at := r.path + ".timeouts"
	before, _ := r.written["timeouts"].(map[string]any)
	switch value.(type) {
	case map[string]any:
		return []overlay.Edit{{Object: c.Object, Path: at, Value: value}}, nil
	case string:
		if before == nil {
			return []overlay.Edit{{Object: c.Object, Path: at, Value: map[string]any{"request": value}}}, nil
		}
		return []overlay.Edit{{Object: c.Object, Path: at + ".request", Value: value}}, nil
	case nil:
		if before == nil {
			return nil, nil
		}
		return []overlay.Edit{{Object: c.Object, Path: at}}, nil
	}
	return nil, fmt.Errorf(`value: want a duration such as "2s", or {"request": "2s", "backendRequest": "1s"}, got %s`, c.Value)
}

// mirrorEdits returns the filters of a rule with the mirror as the only one.
func (c *Change) mirrorEdits(r routeRule, value any) ([]overlay.Edit, error) {
	at := r.path + ".filters"
	filters, _ := r.written["filters"].([]any)
	isMirror := func(f any) bool {
		filter, _ := f.(map[string]any)
		return filter["type"] == "RequestMirror"
	}
	others := slices.DeleteFunc(slices.Clone(filters), isMirror)
	edit := overlay.Edit{Object: c.Object, Path: at}
	filter := map[string]any{"type": "RequestMirror", "requestMirror": value}
	switch mirrors := len(filters) - len(others); {
	case value == nil && mirrors == 0:
		return nil, nil
	case value == nil && len(others) > 0:
		edit.Value = others
	case value == nil:
	case mirrors == 1:
		edit.Path, edit.Value = fmt.Sprintf("%s[%d].requestMirror", at, slices.IndexFunc(filters, isMirror)), value
	case mirrors == 0 && len(filters) > 0:
		edit.Path, edit.Value = fmt.Sprintf("%s[%d]", at, len(filters)), filter
	default:
		edit.Value = append(others, filter)
	}
	return []overlay.Edit{edit}, nil
}

// text describes one aspect of the rule; "" if the rule has none.
func (r *routeRule) text(kind Kind) string {
	field := func(of any, name string) string {
		fields, _ := of.(map[string]any)
		if fields[name] == nil {
			return ""
		}
		return fmt.Sprint(fields[name])
	}
	var parts []string
	add := func(format, value string) {
		if value != "" {
			parts = append(parts, fmt.Sprintf(format, value))
		}
	}
	switch kind {
	case Weights:
		for _, b := range r.backends {
			parts = append(parts, b.name+" "+b.weight.String())
		}
	case Timeout:
		add("timeout %s", field(r.written["timeouts"], "request"))
		add("of each try %s", field(r.written["timeouts"], "backendRequest"))
	case Retries:
		retry, _ := r.written["retry"].(map[string]any)
		add("%s retries", field(retry, "attempts"))
		codes, _ := retry["codes"].([]any)
		add("on %s", strings.Trim(fmt.Sprint(codes), "[]"))
		add("after %s", field(retry, "backoff"))
		return strings.Join(parts, " ")
	case Mirror:
		filters, _ := r.written["filters"].([]any)
		for _, f := range filters {
			filter, _ := f.(map[string]any)
			if mirror, ok := filter["requestMirror"].(map[string]any); ok {
				add("mirrors to %s", field(mirror["backendRef"], "name"))
			}
		}
	}
	return strings.Join(parts, ", ")
}

// errNoDestinations is the error for weights of a rule without any.
var errNoDestinations = errors.New("value: the rule has no destinations, so it has no weights")
