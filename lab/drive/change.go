package drive

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// Kind is the kind of a change.
type Kind string

// The kinds of changes of a rule, with the form of their value. All but Weights are fields of an http rule of a VirtualService, in Istio's own
// form, or of a rule of an HTTPRoute, in the form of the Gateway API; null removes the field.
const (
	Weights Kind = "weights" // [80, 20] in the order of the rule's destinations, or {"prod": 80, "canary": 20} by subset, host, or Service of an HTTPRoute
	Fault   Kind = "fault"   // {"abort": {"httpStatus": 503, "percentage": {"value": 10}}}; an HTTPRoute has no such field
	Timeout Kind = "timeout" // "2s"; of an HTTPRoute also its field timeouts: {"request": "2s", "backendRequest": "1s"}
	Retries Kind = "retries" // {"attempts": 3, "perTryTimeout": "1s", "retryOn": "5xx"}; of an HTTPRoute its field retry: {"attempts": 3, "codes": [503]}
	// An element of mirrors: {"destination": {"host": "middle", "subset": "canary"}, "percentage": {"value": 100}}; of an HTTPRoute the field of its
	// filter RequestMirror: {"backendRef": {"name": "middle-canary", "port": 80}, "percent": 100}.
	Mirror Kind = "mirror"
)

// The kinds of changes of a workload.
const (
	Scale  Kind = "scale"  // 3: the number of replicas
	Stop   Kind = "stop"   // no replicas; no value
	Faults Kind = "faults" // {"error_rate": 70, "drop_rate": 0, "latency": "100ms-2s"}, as PUT /faults accepts it; also of one pod
	Heal   Kind = "heal"   // no faults and no ejections; also of one pod; no value
)

// Overlay is the kind of a switch to another overlay. Its value is null.
const Overlay Kind = "overlay"

// The kinds without a lasting state: they are not listed. Start undoes Stop.
const (
	Start Kind = "start"
	Kill  Kind = "kill"  // ends the process of a pod with SIGKILL
	Drain Kind = "drain" // stops a pod in order; its workload starts another one
)

// Request describes a change. Object and Rule name an http rule of a VirtualService or a rule of an HTTPRoute, Workload a Deployment, Pod one replica, and Overlay an
// overlay; a kind needs those that it applies to. Names may be short where only one thing has the name.
type Request struct {
	Kind     Kind            `json:"kind"`
	Object   string          `json:"object,omitempty"`   // "VirtualService hopline/middle", "hopline/middle" or "middle"
	Rule     string          `json:"rule,omitempty"`     // its name or place: "everybody", "http[1]", "rules[1]"; may be empty if there is only one
	Workload string          `json:"workload,omitempty"` // "hopline/middle-canary" or "middle-canary"
	Pod      string          `json:"pod,omitempty"`
	Overlay  string          `json:"overlay,omitempty"` // the name of a directory beside the overlay that the lab was started with
	Value    json.RawMessage `json:"value,omitempty"`
}

// Change is one temporary change.
type Change struct {
	ID       string          `json:"id"` // "1"; a change of the same thing in the same way keeps it
	Kind     Kind            `json:"kind"`
	Object   string          `json:"object"` // of a rule: "VirtualService hopline/middle"; otherwise empty
	Rule     string          `json:"rule"`
	Workload string          `json:"workload"` // "hopline/middle-canary"; otherwise empty
	Pod      string          `json:"pod"`
	Overlay  string          `json:"overlay"`
	Value    json.RawMessage `json:"value"`
	Target   string          `json:"target"` // what is changed: "middle everybody"
	Text     string          `json:"text"`   // to what: "prod 50, canary 50"
	Since    int64           `json:"since"`  // milliseconds since 1970
}

// same reports whether two changes replace each other: they change the same thing in the same way.
func (c *Change) same(d *Change) bool {
	slot := func(k Kind) Kind {
		if k == Heal {
			return Faults
		}
		return k
	}
	return slot(c.Kind) == slot(d.Kind) && c.Object == d.Object && c.Rule == d.Rule && c.Workload == d.Workload && c.Pod == d.Pod
}

// edits returns the fields that a change sets in the objects of an overlay, which has the table. The error states that an object is gone or
// that the value has not the form that the kind needs; overlay.Overlay.With does all other checks.
func (c *Change) edits(o *overlay.Overlay, table *mesh.Table) ([]overlay.Edit, error) {
	switch c.Kind {
	case Weights, Fault, Timeout, Retries, Mirror:
		rule, err := findRule(table, c.Object, c.Rule)
		if err != nil {
			return nil, err
		}
		if isRoute(c.Object) {
			return c.routeEdits(routeRuleOf(o, rule))
		}
		return c.ruleEdits(rule)
	case Scale, Stop:
		d, err := findWorkload(o, c.Workload)
		if err != nil {
			return nil, err
		}
		replicas := any(json.Number("0"))
		if c.Kind == Scale {
			if replicas, err = decodeValue(c.Value); err != nil {
				return nil, err
			}
			if replicas == nil {
				return nil, errors.New("value: want a number of replicas, got null")
			}
		}
		return []overlay.Edit{{Object: d.String(), Path: "spec.replicas", Value: replicas}}, nil
	}
	return nil, nil
}

// ruleEdits returns the fields that a change of a rule sets.
func (c *Change) ruleEdits(rule *mesh.Rule) ([]overlay.Edit, error) {
	at := "spec." + rule.Place + "."
	if c.Kind == Weights {
		return c.weightEdits(destinations(rule), func(i int) string { return at + "route[" + strconv.Itoa(i) + "].weight" })
	}
	value, err := decodeValue(c.Value)
	if err != nil {
		return nil, err
	}
	if c.Kind != Mirror {
		return []overlay.Edit{{Object: c.Object, Path: at + string(c.Kind), Value: value}}, nil
	}
	// Istio accepts one of mirror and mirrors; mirrors has its percentage in the same element.
	var edits []overlay.Edit
	//lint:ignore SA1019 deprecated, and still accepted by Istio
	for field, there := range map[string]bool{"mirror": rule.HTTP.Mirror != nil, "mirrorPercentage": rule.HTTP.MirrorPercentage != nil, "mirrorPercent": rule.HTTP.MirrorPercent != nil} {
		if there {
			edits = append(edits, overlay.Edit{Object: c.Object, Path: at + field})
		}
	}
	slices.SortFunc(edits, func(a, b overlay.Edit) int { return len(a.Path) - len(b.Path) })
	if value != nil {
		value = []any{value}
	}
	return append(edits, overlay.Edit{Object: c.Object, Path: at + "mirrors", Value: value}), nil
}

// weightEdits returns the weights of a rule's destinations, which have the names. path returns the field of the i-th one.
func (c *Change) weightEdits(names []string, path func(i int) string) ([]overlay.Edit, error) {
	if len(names) == 0 {
		return nil, errNoDestinations
	}
	value, err := decodeValue(c.Value)
	if err != nil {
		return nil, err
	}
	weights, ok := value.([]any)
	if named, byName := value.(map[string]any); byName {
		weights, ok = inOrder(names, named)
	}
	if len(weights) != len(names) || !ok {
		return nil, fmt.Errorf("value: want one weight for each of %s, got %s", strings.Join(names, ", "), c.Value)
	}
	edits := make([]overlay.Edit, len(weights))
	for i, w := range weights {
		if w == nil {
			return nil, fmt.Errorf("value[%d]: want a weight, got null", i)
		}
		edits[i] = overlay.Edit{Object: c.Object, Path: path(i), Value: w}
	}
	return edits, nil
}

// destinations returns the names of the destinations of a VirtualService's rule: the subset, or else the host.
func destinations(rule *mesh.Rule) []string {
	var names []string
	for _, r := range rule.HTTP.GetRoute() {
		names = append(names, cmp.Or(r.GetDestination().GetSubset(), r.GetDestination().GetHost()))
	}
	return names
}

// inOrder returns weights in the order of the names of destinations. It returns false unless each destination has one.
func inOrder(names []string, named map[string]any) (weights []any, ok bool) {
	for _, name := range names {
		weights = append(weights, named[name])
	}
	return weights, len(named) == len(names) && !slices.Contains(weights, nil)
}

// decodeValue decodes a value with its numbers as they are written. An empty value is null.
func decodeValue(text json.RawMessage) (value any, err error) {
	if len(text) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return nil, fmt.Errorf("value: want JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("value: want one JSON value and nothing after it")
	}
	return value, nil
}
