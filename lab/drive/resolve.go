package drive

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/internal/nearest"
	"github.com/hopline/hopline/lab/internal/workload"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// resolve returns the change of a request, with the full names of what it changes.
func (d *Drive) resolve(r Request) (*Change, error) {
	if err := d.open(); err != nil {
		return nil, err
	}
	c := &Change{Kind: r.Kind, Value: r.Value}
	switch r.Kind {
	case Weights, Fault, Timeout, Retries, Mirror:
		rule, err := searchRule(d.active.table, r.Object, r.Rule)
		if err != nil {
			return nil, err
		}
		if err := refused(r.Kind, rule.Object); isRoute(rule.Object) && err != nil {
			return nil, err
		}
		c.Object, c.Rule = rule.Object, rule.Name
		return c, r.only("object", "rule", "value")
	case Scale, Stop, Start:
		of, err := findWorkload(d.active.overlay, r.Workload)
		if err != nil {
			return nil, err
		}
		c.Workload = nameOf(of)
		if r.Kind == Scale {
			return c, r.only("workload", "value")
		}
		return c, r.only("workload")
	case Kill, Drain:
		pod, err := findPod(d.lab.Pods(), r.Pod)
		if err != nil {
			return nil, err
		}
		c.Pod, c.Workload = pod.Name, pod.Deployment
		return c, r.only("pod")
	case Faults, Heal:
		return d.resolveFaults(r, c)
	case Overlay:
		c.Overlay = r.Overlay
		return c, r.only("overlay")
	}
	kinds := []Kind{Weights, Fault, Timeout, Retries, Mirror, Scale, Stop, Start, Kill, Drain, Faults, Heal, Overlay}
	return nil, fmt.Errorf("kind: want one of %v, got %q", kinds, r.Kind)
}

// resolveFaults returns a change of the faults of a workload, or of one pod.
func (d *Drive) resolveFaults(r Request, c *Change) (*Change, error) {
	fields := []string{"workload"}
	if r.Pod != "" {
		pod, err := findPod(d.lab.Pods(), r.Pod)
		if err != nil {
			return nil, err
		}
		c.Pod, c.Workload = pod.Name, pod.Deployment
		fields = []string{"pod"}
	} else {
		of, err := findWorkload(d.active.overlay, r.Workload)
		if err != nil {
			return nil, err
		}
		c.Workload = nameOf(of)
	}
	if r.Kind == Faults {
		fields = append(fields, "value")
	}
	return c, r.only(fields...)
}

// only returns an error for a field of a request that its kind does not use.
func (r *Request) only(fields ...string) error {
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"object", r.Object != ""}, {"rule", r.Rule != ""}, {"workload", r.Workload != ""}, {"pod", r.Pod != ""}, {"overlay", r.Overlay != ""}, {"value", len(r.Value) > 0},
	} {
		if f.set && !slices.Contains(fields, f.name) {
			return fmt.Errorf("%s: a change of kind %s has no such field: want %s", f.name, r.Kind, strings.Join(fields, " and "))
		}
	}
	return nil
}

// findRule returns the rule of an object by its name or place.
func findRule(table *mesh.Table, object, name string) (*mesh.Rule, error) {
	rules := table.Rules()
	for i := range rules {
		if r := &rules[i]; r.Object == object && (r.Name == name || r.Place == name) {
			return r, nil
		}
	}
	return nil, fmt.Errorf("%s: it has no rule %s", object, name)
}

// searchRule finds a rule by names that may be short.
func searchRule(table *mesh.Table, object, name string) (*mesh.Rule, error) {
	if object == "" {
		return nil, errors.New("object: want a VirtualService or an HTTPRoute, got none")
	}
	rules := table.Rules()
	var objects, names []string // that match, and the rules of those
	for i := range rules {
		if r := &rules[i]; isNamed(r.Object, object) {
			objects, names = append(objects, r.Object), append(names, r.Name)
		}
	}
	objects, names = slices.Compact(objects), slices.Compact(names)
	switch {
	case len(objects) == 0:
		var all []string
		for i := range rules {
			_, name, _ := strings.Cut(rules[i].Object, " ")
			all = append(all, name)
		}
		return nil, fmt.Errorf("object: want a VirtualService or an HTTPRoute of the overlay, got %q; there are %s", object, strings.Join(slices.Compact(all), ", "))
	case len(objects) > 1:
		return nil, fmt.Errorf("object: %q means %s: name its namespace or its kind too", object, strings.Join(objects, " and "))
	case name == "" && len(names) == 1:
		name = names[0]
	case name == "":
		return nil, fmt.Errorf("rule: %s has several: want one of %s", objects[0], strings.Join(names, ", "))
	}
	rule, err := findRule(table, objects[0], name)
	if err != nil {
		return nil, fmt.Errorf("rule: %w; it has %s%s", err, strings.Join(names, ", "), nearest.DidYouMean(name, names))
	}
	return rule, nil
}

// isNamed reports whether an object such as "VirtualService hopline/middle" has a name: in full, without the kind, or only its last part.
func isNamed(object, name string) bool {
	return object == name || strings.HasSuffix(object, " "+name) || !strings.Contains(name, "/") && strings.HasSuffix(object, "/"+name)
}

// findWorkload returns the Deployment of a name: namespace/name, or the name if only one namespace has it.
func findWorkload(o *overlay.Overlay, name string) (*overlay.Deployment, error) {
	var found []*overlay.Deployment
	var all, short []string
	for i := range o.Deployments {
		d := &o.Deployments[i]
		if nameOf(d) == name || d.Name == name {
			found = append(found, d)
		}
		all, short = append(all, nameOf(d)), append(short, d.Name)
	}
	slices.Sort(all)
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, fmt.Errorf("workload: %q is in several namespaces: name the namespace too, as in %s", name, nameOf(found[0]))
	}
	return nil, fmt.Errorf("workload: want one of %s, got %q%s", strings.Join(all, ", "), name, nearest.DidYouMean(path.Base(name), short))
}

// nameOf returns the name of a workload: "hopline/middle-canary".
func nameOf(d *overlay.Deployment) string { return d.Namespace + "/" + d.Name }

// findPod returns the pod of a name, or the only pod of a workload of that name.
func findPod(pods []workload.Status, name string) (*workload.Status, error) {
	var of []*workload.Status
	var all []string
	for i := range pods {
		p := &pods[i]
		if p.Name == name {
			return p, nil
		}
		if p.Deployment == name || strings.HasSuffix(p.Deployment, "/"+name) {
			of, all = append(of, p), append(all, p.Name)
		}
	}
	switch {
	case name == "":
		return nil, errors.New("pod: want the name of a pod, got none")
	case len(of) == 1:
		return of[0], nil
	case len(of) > 1:
		return nil, fmt.Errorf("pod: %s has several: want one of %s", name, strings.Join(all, ", "))
	}
	return nil, fmt.Errorf("pod: there is no pod %q", name)
}
