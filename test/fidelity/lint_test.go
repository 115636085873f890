package fidelity

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	vocabulary "github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/lint"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/urlpath"
	"github.com/hopline/hopline/lab/rules"
)

// Sizes of TestLint: it takes some seconds.
const (
	lintWorlds   = 40
	lintRequests = 40 // for each Service
)

// TestLint checks each finding of `hopline lint` in generated rules against the decisions about requests that are close to the rules: no
// request does what a finding excludes. Findings that a decision contradicts, made up of that decision, show that the check sees a false alarm.
func TestLint(t *testing.T) {
	found, planted := map[string]int{}, map[string]int{}
	for world := range uint64(lintWorlds) {
		g := newGenerator(*seed<<20 + world)
		w := g.lintWorld(t)
		for _, f := range w.findings {
			found[f.Code]++
			if w.selectsSome(f) {
				t.Errorf("world %d: %s\n%s", world, f, w.text)
			}
		}
		for i := range services {
			for range lintRequests {
				r := g.request(pick(g, ofRules(w.sets[i])...), i, client)
				d, ok := w.decide(g, r)
				if !ok || d.Route == nil {
					continue
				}
				for _, f := range w.findings {
					if w.refutes(f, &d) {
						t.Errorf("world %d: %s\n%s\n%+v\n%s", world, f, r.curl(), d, strings.Join(texts(w.sets[i]), "---\n"))
					}
				}
				for _, f := range w.falseAlarms(&d) {
					if planted[f.Code]++; !w.refutes(f, &d) && !w.selectsSome(f) {
						t.Fatalf("world %d: a false alarm is not seen: %s\n%s\n%+v\n%s", world, f, r.curl(), d, strings.Join(texts(w.sets[i]), "---\n"))
					}
				}
			}
		}
	}
	t.Logf("findings %v; false alarms seen %v", found, planted)
	for _, code := range []string{"HL001", "HL002", "HL003", "HL004", "HL005", "HL006", "HL007", "HL009", "HL010"} {
		if found[code] == 0 || planted[code] == 0 {
			t.Errorf("%s: found %d times, planted %d times: the test did not check it", code, found[code], planted[code])
		}
	}
}

// lintWorld is a generated world as lint reads it.
type lintWorld struct {
	rules    *rules.Rules
	findings []lint.Finding
	sets     [services][]object
	objects  map[string]object // by "Kind namespace/name"
	text     string
}

// lintWorld generates rule sets with faults of every kind.
func (g generator) lintWorld(t *testing.T) *lintWorld {
	t.Helper()
	w := &lintWorld{objects: map[string]object{}}
	docs := append([]string{standardWorld(), gateway}, documents(subsets("mirror"))...)
	for i := range services {
		for {
			w.sets[i] = g.set(i)
			g.spoil(w.sets[i])
			configs, err := parseRules(append([]string{gateway}, texts(w.sets[i])...))
			if err == nil && validate(configs) == nil {
				break
			}
		}
		docs = append(docs, texts(w.sets[i])...)
		for _, o := range w.sets[i] {
			meta := o["metadata"].(object)
			w.objects[fmt.Sprintf("%s %s/%s", o["kind"], meta["namespace"], meta["name"])] = o
		}
	}
	w.text = strings.Join(docs, "\n---\n")
	var err error
	if w.rules, err = rules.ReadWhole(t.Context(), []string{"-"}, strings.NewReader(w.text)); err != nil {
		t.Fatalf("%v\n%s", err, w.text)
	}
	if w.findings, _, err = lint.Check(w.rules, nil); err != nil {
		t.Fatal(err)
	}
	return w
}

// spoil makes mistakes in a set.
func (g generator) spoil(set []object) {
	vs, rule := set[0]["spec"].(object), set[1]["spec"].(object)
	versions := rule["subsets"].([]any)
	switch g.IntN(8) {
	case 0:
		n := g.IntN(len(versions))
		rule["subsets"] = slices.Delete(slices.Clone(versions), n, n+1)
	case 1:
		pick(g, versions...).(object)["labels"] = object{"version": "v9"}
	case 2:
		rule["subsets"] = append(versions, object{"name": "spare", "labels": object{"version": "v1"}})
	case 3:
		rule["workloadSelector"] = object{"matchLabels": object{"app": pick(g, "nobody", "client")}}
	case 4:
		vs["exportTo"] = []any{"other"}
		vs["gateways"] = []any{"elsewhere"}
	}
	for _, r := range vs["http"].([]any) {
		routes, _ := r.(object)["route"].([]any)
		if len(routes) == 0 || g.sometimes(70) {
			continue
		}
		first := routes[0].(object)["destination"].(object)
		switch g.IntN(4) {
		case 0:
			first["host"] = pick(g, "nowhere", "svc0.elsewhere.svc.cluster.local")
			delete(first, "subset")
		case 1:
			first["port"] = object{"number": 81}
		case 2:
			r.(object)["timeout"] = "1s"
			r.(object)["retries"] = object{"attempts": 2, "perTryTimeout": "0.9s", "retryOn": "5xx"}
		case 3:
			routes[0].(object)["weight"] = 1
			r.(object)["route"] = append(routes, object{"destination": object{"host": "mirror", "subset": pick(g, "v1", "v2")}, "weight": 0})
		}
	}
}

// decide returns what the rules do with a request. ok is false for a request to which no rule applies.
func (w *lintWorld) decide(g generator, r request) (d mesh.Decision, ok bool) {
	path, ok := urlpath.Normalize(r.path)
	if !ok {
		return d, false
	}
	req := &mesh.Request{Method: r.method, Authority: r.authority, Path: path, Scheme: "http", Port: r.port(), Header: http.Header{}}
	for _, h := range r.header {
		req.Header.Add(h.name, h.value)
	}
	source := pick(g,
		mesh.Source{Workload: client, Namespace: "app", Labels: map[string]string{"app": "client", "version": "v1"}},
		mesh.Source{Workload: visitor, Namespace: "other", Labels: map[string]string{"app": "visitor", "version": "v1"}},
		mesh.Source{Workload: "stranger", Namespace: "third", Labels: map[string]string{"app": "client"}})
	if r.from == ingress {
		source, req.Port = mesh.IngressGateway(), 80
	}
	return w.rules.Table.Decide(req, &source, g.Uint64()), true
}

// refutes reports whether a decision does what a finding excludes.
func (w *lintWorld) refutes(f lint.Finding, d *mesh.Decision) bool {
	place := strings.TrimPrefix(f.Path, "spec.")
	rule, _, _ := strings.Cut(place, ".")
	inRule := d.Route.Object == f.Object && within(d.Route.Place, rule)
	switch f.Code {
	case "HL001":
		return d.Route.Object == f.Object && within(d.Route.Place, place)
	case "HL002":
		return d.Route.Object == f.Object || d.Route.Through == f.Object
	case "HL003", "HL004":
		to := w.destination(f)
		return inRule && slices.ContainsFunc(routedTo(d), func(c *mesh.Cluster) bool { return c.Known && to.is(c) })
	case "HL005":
		return slices.ContainsFunc(w.rules.Table.Shares(d.Route), func(s mesh.Share) bool { return len(s.Backends) > 0 && w.of(f, s.Cluster) })
	case "HL006":
		return slices.ContainsFunc(append(clustersOf(d.Route), routedTo(d)...), func(c *mesh.Cluster) bool { return w.of(f, c) })
	case "HL007":
		return inRule && d.To != nil && w.alone(f) && w.destination(f).is(d.To.Cluster)
	case "HL009":
		return inRule && (d.Route.Timeout <= 0 || d.Route.Timeout >= d.Route.Retries.PerTry*time.Duration(d.Route.Retries.Attempts+1))
	}
	return false
}

// selectsSome reports whether the labels of a finding, by which an object selects nothing, are labels of a workload.
func (w *lintWorld) selectsSome(f lint.Finding) bool {
	if f.Code != "HL010" {
		return false
	}
	labels := map[string]string{}
	for k, v := range at(w.objects[f.Object], f.Path).(object) {
		labels[k] = v.(string)
	}
	_, name, _ := strings.Cut(f.Object, " ")
	namespace, _, _ := strings.Cut(name, "/")
	for _, d := range w.rules.Overlay.Deployments {
		if d.Namespace == namespace && vocabulary.HasLabels(d.Pod.Labels, labels) {
			return true
		}
	}
	return false
}

// falseAlarms returns findings that a decision contradicts.
func (w *lintWorld) falseAlarms(d *mesh.Decision) (list []lint.Finding) {
	rule, _, _ := strings.Cut(d.Route.Place, ".")
	add := func(code, object, path string) {
		list = append(list, lint.Finding{Code: code, Object: object, Path: path})
	}
	own := w.objects[d.Route.Object]
	if own == nil { // of a Service
		return nil
	}
	add("HL001", d.Route.Object, "spec."+d.Route.Place)
	add("HL002", d.Route.Object, "spec.hosts")
	if d.Route.Timeout == 0 {
		add("HL009", d.Route.Object, "spec."+rule+".timeout")
	}
	if d.To == nil || !d.To.Cluster.Known {
		return list
	}
	routes, _ := at(own, "spec."+rule+".route").([]any)
	for i, r := range routes {
		if path := fmt.Sprintf("spec.%s.route[%d].", rule, i); newTarget(r.(object)["destination"].(object)).is(d.To.Cluster) {
			add("HL003", d.Route.Object, path+"destination.host")
			add("HL004", d.Route.Object, path+"destination.subset")
			if f := (lint.Finding{Code: "HL007", Object: d.Route.Object, Path: path + "weight"}); w.alone(f) {
				list = append(list, f)
			}
			break
		}
	}
	service, _, _ := strings.Cut(d.To.Cluster.Host, ".")
	versions, _ := at(w.objects["DestinationRule app/"+service], "spec.subsets").([]any)
	for n, v := range versions {
		if v.(object)["name"] != d.To.Cluster.Subset {
			continue
		}
		add("HL006", "DestinationRule app/"+service, fmt.Sprintf("spec.subsets[%d]", n))
		if slices.ContainsFunc(w.rules.Table.Shares(d.Route), func(s mesh.Share) bool { return s.Cluster == d.To.Cluster && len(s.Backends) > 0 }) {
			add("HL005", "DestinationRule app/"+service, fmt.Sprintf("spec.subsets[%d].labels", n))
			list = append(list, w.selectorAlarm(service)...)
		}
	}
	return list
}

// selectorAlarm returns a finding that the labels of a DestinationRule select nothing, if they select workloads.
func (w *lintWorld) selectorAlarm(service string) []lint.Finding {
	f := lint.Finding{Code: "HL010", Object: "DestinationRule app/" + service, Path: "spec.workloadSelector.matchLabels"}
	if labels, ok := at(w.objects[f.Object], f.Path).(object); ok && labels["app"] == "client" {
		return []lint.Finding{f}
	}
	return nil
}

// target is a destination as a rule has it.
type target struct {
	host, subset string
	port         int // 0: none
}

func (t target) is(c *mesh.Cluster) bool {
	return c.Host == t.host && c.Subset == t.subset && (t.port == 0 || t.port == c.Port)
}

// destination returns the destination that a finding is about.
func (w *lintWorld) destination(f lint.Finding) target {
	path, _, _ := strings.Cut(f.Path, ".destination.")
	for _, field := range []string{".weight", ".host", ".subset", ".port.number"} { // the last three of a mirror
		path = strings.TrimSuffix(path, field)
	}
	o := at(w.objects[f.Object], path).(object)
	if to, ok := o["destination"].(object); ok {
		return newTarget(to)
	}
	return newTarget(o)
}

func newTarget(o object) target {
	t := target{host: vocabulary.FullHost(o["host"].(string), "app")}
	t.subset, _ = o["subset"].(string)
	if p, ok := o["port"].(object); ok {
		t.port = p["number"].(int)
	}
	return t
}

// alone reports whether no other destination of a finding's rule is the same: the decision does not show which of them it is.
func (w *lintWorld) alone(f lint.Finding) bool {
	list, _, _ := strings.Cut(f.Path, ".route[")
	same := 0
	for _, r := range at(w.objects[f.Object], list+".route").([]any) {
		if to := newTarget(r.(object)["destination"].(object)); to.host == w.destination(f).host && to.subset == w.destination(f).subset {
			same++
		}
	}
	return same == 1
}

// of reports whether a cluster is of the Service, or the subset, that a finding is about.
func (w *lintWorld) of(f lint.Finding, c *mesh.Cluster) bool {
	_, name, _ := strings.Cut(f.Object, " ")
	namespace, service, _ := strings.Cut(name, "/")
	if c.Host != vocabulary.ServiceHost(service, namespace) {
		return false
	}
	path, ofSubset := strings.CutPrefix(strings.TrimSuffix(f.Path, ".labels"), "spec.subsets[")
	if !ofSubset {
		return true
	}
	return c.Subset == at(w.objects[f.Object], "spec.subsets["+path+".name")
}

// routedTo returns where a decision sends the request and its copies.
func routedTo(d *mesh.Decision) (list []*mesh.Cluster) {
	if d.To != nil {
		list = append(list, d.To.Cluster)
	}
	for i, m := range d.Route.Mirrors {
		if d.Mirror&(1<<i) != 0 {
			list = append(list, m.Cluster)
		}
	}
	return list
}

func clustersOf(r *mesh.Route) (list []*mesh.Cluster) {
	for _, d := range r.Destinations {
		list = append(list, d.Cluster)
	}
	return list
}

// within reports whether a place, such as "http[1].match[0]", is in another one, such as "http[1]".
func within(place, of string) bool { return strings.HasPrefix(place+".", of+".") }

var step = regexp.MustCompile(`^([^\[]*)(?:\[(\d+)\])?$`)

// at returns the value at a path of an object; nil if there is none.
func at(o object, path string) any {
	var v any = o
	for _, name := range strings.Split(path, ".") {
		m := step.FindStringSubmatch(name)
		below, ok := v.(object)
		if !ok {
			return nil
		}
		v = below[m[1]]
		if m[2] != "" {
			n, _ := strconv.Atoi(m[2])
			list, ok := v.([]any)
			if !ok || n >= len(list) {
				return nil
			}
			v = list[n]
		}
	}
	return v
}
