package drive

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/overlay"
)

// TestRejected requests invalid changes: each is rejected with the reason, and nothing changes.
func TestRejected(t *testing.T) {
	t.Parallel()
	d, l := begin(t, "canary")
	value := func(text string) json.RawMessage { return json.RawMessage(text) }
	for name, c := range map[string]struct {
		request Request
		want    string
	}{
		"unknown kind":        {Request{Kind: "weight"}, `kind: want one of [weights`},
		"unknown object":      {Request{Kind: Timeout, Object: "midle", Value: value(`"1s"`)}, `object: want a VirtualService or an HTTPRoute of the overlay, got "midle"; there are `},
		"no rule named":       {Request{Kind: Timeout, Object: "middle", Value: value(`"1s"`)}, "rule: VirtualService hopline/middle has several: want one of beta, everybody"},
		"unknown rule":        {Request{Kind: Timeout, Object: "middle", Rule: "nobody", Value: value(`"1s"`)}, "it has no rule nobody; it has beta, everybody"},
		"too few weights":     {Request{Kind: Weights, Object: "middle", Rule: "everybody", Value: value("[100]")}, "value: want one weight for each of prod, canary, got [100]"},
		"an unknown subset":   {Request{Kind: Weights, Object: "middle", Rule: "everybody", Value: value(`{"prod":1,"test":1}`)}, "value: want one weight for each of prod, canary"},
		"a negative weight":   {Request{Kind: Weights, Object: "middle", Rule: "everybody", Value: value("[-1,101]")}, "spec.http[1].route[0].weight: want 0 or more, got -1"},
		"no weight at all":    {Request{Kind: Weights, Object: "middle", Rule: "everybody", Value: value("[0,0]")}, "the weights add up to 0"},
		"unknown field":       {Request{Kind: Fault, Object: "middle", Rule: "everybody", Value: value(`{"abrot":{}}`)}, "did you mean abort?"},
		"not a duration":      {Request{Kind: Timeout, Object: "middle", Rule: "everybody", Value: value("2")}, "spec.http[1].timeout: want a duration"},
		"unknown subset":      {Request{Kind: Mirror, Object: "middle", Rule: "everybody", Value: value(`{"destination":{"host":"middle","subset":"canry"}}`)}, "did you mean canary?"},
		"unknown workload":    {Request{Kind: Scale, Workload: "core", Value: value("1")}, "workload: want one of "},
		"no number":           {Request{Kind: Scale, Workload: "core-prod"}, "value: want a number of replicas, got null"},
		"a field too many":    {Request{Kind: Stop, Workload: "core-prod", Value: value("1")}, "value: a change of kind stop has no such field: want workload"},
		"not JSON":            {Request{Kind: Timeout, Object: "middle", Rule: "everybody", Value: value(`"1s" 2`)}, "want one JSON value and nothing after it"},
		"a start of nothing":  {Request{Kind: Start, Workload: "core-prod"}, "want one that was stopped, got hopline/core-prod"},
		"no process":          {Request{Kind: Faults, Workload: "core-prod", Value: value(`{"error_rate":1}`)}, "core-prod: it has no process at the moment"},
		"no faults":           {Request{Kind: Faults, Workload: "core-prod", Value: value(`{}`)}, "value: want an object such as"},
		"the active overlay":  {Request{Kind: Overlay, Overlay: "canary"}, "overlay: want another one, got canary, which is active"},
		"a path to elsewhere": {Request{Kind: Overlay, Overlay: "../../../etc"}, "overlay: want one of "},
	} {
		before := l.applied
		_, _, err := d.Do(c.request)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
		if l.applied != before || len(d.Changes()) != 0 {
			t.Errorf("%s: something has changed", name)
		}
	}
}

// TestList makes several changes: those of the same thing replace each other, undo removes one, and a lab that cannot apply a change
// keeps those that there were.
func TestList(t *testing.T) {
	t.Parallel()
	d, l := begin(t, "canary")
	list := func() string {
		var texts []string
		for _, c := range d.Changes() {
			texts = append(texts, c.ID+" "+c.Target+" "+c.Text)
		}
		return strings.Join(texts, "; ")
	}
	base := l.applied
	do(t, d, half)
	do(t, d, Request{Kind: Scale, Workload: "core-prod", Value: json.RawMessage("2")})
	do(t, d, Request{Kind: Weights, Object: "middle", Rule: "everybody", Value: json.RawMessage(`{"canary":30,"prod":70}`)})
	if got, want := list(), "2 core-prod 2 replicas; 1 middle everybody prod 70, canary 30"; got != want {
		t.Errorf("there are %q, want %q", got, want)
	}
	l.refuse = errors.New("no port")
	if _, _, err := d.Do(Request{Kind: Stop, Workload: "core-test"}); !errors.Is(err, l.refuse) {
		t.Errorf("got %v, want the error of the lab", err)
	}
	if _, err := d.Undo("1"); !errors.Is(err, l.refuse) {
		t.Errorf("undo: got %v, want the error of the lab", err)
	}
	if got, want := list(), "2 core-prod 2 replicas; 1 middle everybody prod 70, canary 30"; got != want {
		t.Errorf("after errors there are %q, want %q", got, want)
	}
	l.refuse = nil
	if _, err := d.Undo("2"); err != nil {
		t.Fatal(err)
	}
	if got, want := list(), "1 middle everybody prod 70, canary 30"; got != want {
		t.Errorf("after undo there are %q, want %q", got, want)
	}
	if _, err := d.Undo("2"); !errors.Is(err, errNoChange) {
		t.Errorf("a second undo: got %v", err)
	}
	if err := d.UndoAll(); err != nil {
		t.Fatal(err)
	}
	if same, object := base.Rendered(l.applied); !same || list() != "" {
		t.Errorf("after all are undone %s differs and there are %q", object, list())
	}
	d.Close()
	if _, _, err := d.Do(half); err == nil {
		t.Error("a change was made after Close")
	}
}

// TestSwitch switches the overlay with changes: those that the other overlay has no object for are dropped with a line.
func TestSwitch(t *testing.T) {
	t.Parallel()
	d, l := begin(t, "canary")
	do(t, d, half)
	do(t, d, Request{Kind: Scale, Workload: "core-test", Value: json.RawMessage("2")})
	do(t, d, Request{Kind: Timeout, Object: "bounced", Value: json.RawMessage(`"1s"`)})
	_, dropped, err := d.Do(Request{Kind: Overlay, Overlay: "prod"})
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(dropped, "; "); !strings.Contains(text, "middle everybody: prod 50, canary 50: dropped: ") || strings.Contains(text, "bounced") {
		t.Errorf("dropped %q, want the weights of middle only", text)
	}
	timeout := func(o *overlay.Overlay) bool {
		for _, v := range o.VirtualServices {
			if v.Name == "bounced" {
				return v.Spec.Http[0].GetTimeout().GetSeconds() == 1
			}
		}
		return false
	}
	if !strings.HasSuffix(d.Dir(), "prod") || !timeout(l.applied) {
		t.Errorf("%s is active, with the timeout: %t", d.Dir(), timeout(l.applied))
	}
	if _, _, err := d.Do(Request{Kind: Overlay, Overlay: "canary"}); err != nil { // back: the change is undone
		t.Fatal(err)
	}
	for _, c := range d.Changes() {
		if c.Kind == Overlay {
			t.Error("the switch is still in the list")
		}
	}
	if !strings.HasSuffix(d.Dir(), "canary") || !timeout(l.applied) {
		t.Errorf("%s is active, with the timeout: %t", d.Dir(), timeout(l.applied))
	}
}
