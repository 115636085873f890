package console

import (
	"cmp"
	"slices"

	"github.com/hopline/hopline/lab/drive"
	"github.com/hopline/hopline/lab/internal/workload"
	"github.com/hopline/hopline/lab/mesh/proxy"
	"github.com/hopline/hopline/lab/overlay"
	"github.com/hopline/hopline/lab/traffic"
)

// State holds what the overview shows.
type State struct {
	Lab       string           `json:"lab"`     // identifies this run of the lab: another one has other counts, traces and logs
	Edition   string           `json:"edition"` // "deploy/overlays/canary"
	Revision  int              `json:"revision"`
	Plain     bool             `json:"plain"` // there is no mesh, so that requests are not counted
	Entry     string           `json:"entry"` // the gateway at which requests from outside arrive: "istio-ingressgateway"; empty where none does
	Problems  []Problem        `json:"problems"`
	Notes     []string         `json:"notes"`
	Links     []Link           `json:"links"`
	Workloads []Workload       `json:"workloads"`
	Ejections []proxy.Ejection `json:"ejections"` // an ejected pod may be ready and still receive no requests from that caller
	Rules     []Rule           `json:"rules"`
	Graph     Graph            `json:"graph"`
	Changes   []drive.Change   `json:"changes"` // temporary changes of the overlay and the workloads
	Driving   DrivingState     `json:"driving"`
	Load      *LoadState       `json:"load"` // the newest run of load; null before the first
}

// Problem is one reason why the newest edit does not run.
type Problem struct {
	Place  string `json:"place"` // "deploy/overlays/canary/middle.yaml:12"; empty when it is not known
	Object string `json:"object"`
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Workload is a Deployment with its pods.
type Workload struct {
	Name     string `json:"name"` // "hopline/middle-canary"
	App      string `json:"app"`
	Version  string `json:"version"`
	Replicas int    `json:"replicas"` // wanted
	Ready    int    `json:"ready"`
	Restarts int    `json:"restarts"` // of the pods there are
	Rate     Rate   `json:"rate"`
	Pods     []Pod  `json:"pods"`
}

// Pod is one process.
type Pod struct {
	Name     string         `json:"name"`
	State    workload.State `json:"state"`
	Reason   string         `json:"reason"`
	Ended    string         `json:"ended"`     // how its process ended last: "ended by signal: killed"
	LastLine string         `json:"last_line"` // what that process wrote last
	Again    int64          `json:"again"`     // when the next process starts, milliseconds since 1970; 0: none is pending
	Current  bool           `json:"current"`   // of the newest template
	Restarts int            `json:"restarts"`
	Process  int            `json:"process"` // its number, 0 when none runs
	Started  int64          `json:"started"` // milliseconds since 1970, 0 when none runs
}

// build returns the current state.
func (c *Console) build(edition Edition, flows []traffic.Flow, edges []traffic.Edge) State {
	s := State{
		Lab: c.id, Edition: edition.Name, Revision: edition.Revision, Plain: edition.plain(), Entry: edition.entry(), Problems: problems(edition.Problems),
		Notes: some(edition.Notes), Links: some(edition.Links), Workloads: c.workloads(ratesOf(edges)),
		Ejections: some(c.source.Ejections()), Load: c.loads.state(),
		Changes: c.changes(), Driving: DrivingState{Allowed: c.drives.Off == "", Why: c.drives.Off},
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Rules = withRequests(configured(edition.rules()), sinceEdition(flows, c.baseline))
	s.Graph = graphOf(edition, edges, c.edgeBaseline)
	s.Graph.withPods(s.Workloads, s.Ejections)
	return s
}

// some returns an empty list for nil, so that JSON never has null.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func problems(list []overlay.Problem) []Problem {
	out := make([]Problem, len(list))
	for i, p := range list {
		out[i] = Problem{Place: p.Place(), Object: p.Object, Path: p.Path, Reason: p.Reason}
		if p.Object == p.File {
			out[i].Object = "" // the place names it
		}
	}
	return out
}

func (c *Console) workloads(rates map[string]Rate) []Workload {
	list := []Workload{}
	for _, d := range c.source.Deployments() {
		list = append(list, Workload{Name: d.Name, Replicas: d.Replicas, Ready: d.Ready, Pods: []Pod{}})
	}
	for _, p := range c.source.Pods() {
		i := slices.IndexFunc(list, func(w Workload) bool { return w.Name == p.Deployment })
		if i < 0 { // it is no longer wanted, and is ending
			i = len(list)
			list = append(list, Workload{Name: p.Deployment, Pods: []Pod{}})
		}
		list[i].addPod(p)
	}
	for i := range list {
		list[i].Rate = rates[list[i].Name]
	}
	slices.SortStableFunc(list, func(a, b Workload) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

func (w *Workload) addPod(p workload.Status) {
	w.App, w.Version = p.Labels["app"], p.Labels["version"]
	w.Restarts += p.Restarts
	pod := Pod{Name: p.Name, State: p.State, Reason: p.Reason, Ended: p.Ended, LastLine: p.LastLine, Current: p.Current, Restarts: p.Restarts, Process: p.Process}
	if !p.Started.IsZero() {
		pod.Started = p.Started.UnixMilli()
	}
	if !p.Again.IsZero() {
		pod.Again = p.Again.UnixMilli()
	}
	w.Pods = append(w.Pods, pod)
}

// kindOf identifies what a flow counts, without its counts.
func kindOf(f traffic.Flow) traffic.Flow {
	f.Requests, f.Seconds = 0, 0
	return f
}

// baselineOf returns the counts at the moment when an edition started to run.
func baselineOf(flows []traffic.Flow) map[traffic.Flow]traffic.Flow {
	baseline := make(map[traffic.Flow]traffic.Flow, len(flows))
	for _, f := range flows {
		baseline[kindOf(f)] = f
	}
	return baseline
}

// edgeBaselineOf returns the counts of the edges at the moment when an edition started to run.
func edgeBaselineOf(edges []traffic.Edge) map[traffic.EdgeKey]uint64 {
	baseline := make(map[traffic.EdgeKey]uint64, len(edges))
	for _, e := range edges {
		baseline[e.EdgeKey] = e.Ever
	}
	return baseline
}

// sinceEdition returns what was counted since the baseline.
func sinceEdition(flows []traffic.Flow, baseline map[traffic.Flow]traffic.Flow) []traffic.Flow {
	since := make([]traffic.Flow, 0, len(flows))
	for _, f := range flows {
		if before := baseline[kindOf(f)]; before.Requests <= f.Requests {
			f.Requests -= before.Requests
			f.Seconds = max(0, f.Seconds-before.Seconds)
		}
		since = append(since, f)
	}
	return since
}
