package drive

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	"github.com/hopline/hopline/lab/internal/yamltext"
	"github.com/hopline/hopline/lab/overlay"
)

// Patch returns a change as the part of a kustomization file that makes it lasting, with a comment that names the change.
func (d *Drive) Patch(id string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.find(id)
	if err != nil {
		return "", err
	}
	edits, err := d.fileEdits(c)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: %s\npatches:\n", c.Target, c.Text)
	if c.Kind == Faults || c.Kind == Heal {
		return b.String() + d.environmentPatch(edits[0].Object, c), nil
	}
	kind, name, _ := strings.Cut(edits[0].Object, " ")
	namespace, name, _ := strings.Cut(name, "/")
	fmt.Fprintf(&b, "  - target: {kind: %s, namespace: %s, name: %s}\n    patch: |-\n", kind, namespace, name)
	for _, e := range edits {
		if e.Value == nil {
			fmt.Fprintf(&b, "      - {op: remove, path: %s}\n", fieldpath.Pointer(e.Path))
			continue
		}
		fmt.Fprintf(&b, "      - {op: add, path: %s, value: %s}\n", fieldpath.Pointer(e.Path), yamltext.Flow(e.Value))
	}
	return b.String(), nil
}

// environmentPatch returns the patch that sets the faults of a Deployment in the environment of its container.
func (d *Drive) environmentPatch(object string, c *Change) string {
	container := ""
	if of, err := findWorkload(d.base.overlay, c.Workload); err == nil {
		container = of.Pod.Containers[0].Name // whose admin port takes the faults
	}
	namespace, name, _ := strings.Cut(strings.TrimPrefix(object, "Deployment "), "/")
	var b strings.Builder
	fmt.Fprintf(&b, "  - patch: |-\n      apiVersion: apps/v1\n      kind: Deployment\n      metadata: {name: %s, namespace: %s}\n", name, namespace)
	fmt.Fprintf(&b, "      spec:\n        template:\n          spec:\n            containers:\n              - name: %s\n                env:\n", container)
	for _, v := range c.environment() {
		fmt.Fprintf(&b, "                  - %s\n", yamltext.Flow(map[string]any{"name": v.name, "value": v.value}))
	}
	return b.String()
}

// variable is an environment variable of a service.
type variable struct{ name, value string }

// environment returns the variables that set the faults of a change when a service starts.
func (c *Change) environment() (list []variable) {
	wanted, err := c.rates()
	if err != nil {
		return nil // it was checked when the change was made
	}
	for _, v := range []variable{{"ERROR_RATE", "error_rate"}, {"DROP_RATE", "drop_rate"}, {"LATENCY", "latency"}} {
		if value, ok := wanted[v.value]; ok {
			list = append(list, variable{v.name, strings.Trim(string(value), `"`)})
		}
	}
	return list
}

// fileEdits returns the fields of the overlay's objects that make a change permanent.
func (d *Drive) fileEdits(c *Change) ([]overlay.Edit, error) {
	switch {
	case c.Kind == Overlay:
		return nil, errors.New("a switch of the overlay is in no field of it: start the lab with that overlay")
	case c.Kind != Faults && c.Kind != Heal:
		return c.edits(d.base.overlay, d.base.table)
	case c.Pod != "":
		return nil, fmt.Errorf("%s: the faults of one replica are in no field of the overlay", c.Pod)
	}
	of, err := findWorkload(d.base.overlay, c.Workload)
	if err != nil {
		return nil, err
	}
	container := of.Pod.Containers[0] // whose admin port takes the faults
	var edits []overlay.Edit
	added := 0
	for _, v := range c.environment() {
		const at = "spec.template.spec.containers[0].env"
		edit := overlay.Edit{Object: of.String(), Path: fmt.Sprintf("%s[%d]", at, len(container.Env)+added), Value: map[string]any{"name": v.name, "value": v.value}}
		for i, e := range container.Env {
			if e.Name == v.name {
				edit.Path, edit.Value = fmt.Sprintf("%s[%d].value", at, i), any(v.value)
			}
		}
		if _, isNew := edit.Value.(map[string]any); isNew {
			added++
		}
		edits = append(edits, edit)
	}
	return edits, nil
}
