package console

import (
	"context"
	"time"

	"github.com/hopline/hopline/lab/collector"
	"github.com/hopline/hopline/lab/graph"
	"github.com/hopline/hopline/lab/internal/podlog"
	"github.com/hopline/hopline/lab/internal/workload"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/proxy"
	"github.com/hopline/hopline/lab/overlay"
	"github.com/hopline/hopline/lab/rules"
	"github.com/hopline/hopline/lab/send"
	"github.com/hopline/hopline/lab/traffic"
	"github.com/hopline/hopline/lab/zipkin"
)

// Source gives the console its data about the lab. Its methods are called from any goroutine and do not block. The values that they return
// are immutable.
type Source interface {
	// Edition returns what runs and the problems of the newest edit.
	Edition() Edition
	// Pods and Deployments return the state of a workload.Supervisor.
	Pods() []workload.Status
	Deployments() []workload.Deployment
	// Ejections returns the endpoints that callers have ejected.
	Ejections() []proxy.Ejection
	// Flows, Edges and Calls return what a traffic.Traffic has counted.
	Flows() []traffic.Flow
	Edges(now time.Time) []traffic.Edge
	Calls(limit int, keep func(traffic.EdgeKey) bool) []traffic.Call
	// Send sends a request through the mesh and waits for the response, as a send.Sender does.
	Send(context.Context, send.Request, *rules.Rules) (*send.Response, error)
	// Logs returns the last output of the processes.
	Logs() *podlog.Logs
	// Series returns the figures of the last minutes.
	Series() *traffic.Series
}

// Traces gives access to the spans; it is a *collector.Collector. The spans that it returns are not changed.
type Traces interface {
	Search(collector.Query) ([][]*zipkin.Span, error)
	Trace(id string) ([]*zipkin.Span, error)
	Services() []string
	SpanNames(service string) []string
}

// Edition is one state of the overlay directory.
type Edition struct {
	Name     string            // as the user named it: "deploy/overlays/canary"
	Revision int               // number of editions that have run; when it changes, shares are counted from zero
	Overlay  *overlay.Overlay  // what runs; nil before the first
	Table    *mesh.Table       // its rules; nil before the first
	Graph    *graph.Graph      // who may call whom in it; nil before the first
	Problems []overlay.Problem // why the newest edit does not run; the previous one still runs
	Notes    []string          // what is accepted and not enforced, and other lasting warnings
	Links    []Link            // addresses: the page, Zipkin's API
	Entries  []string          // the base URLs where requests from outside enter: "http://localhost:8080", a NodePort
}

// rules returns the rules that run; none before the first edition.
func (e Edition) rules() []mesh.Rule {
	if e.Table == nil {
		return nil
	}
	return e.Table.Rules()
}

// entry returns the name of the gateway at which requests from outside arrive, as Rule.At has it; empty where none does.
func (e Edition) entry() string {
	if e.Table == nil {
		return ""
	}
	gateway, err := e.Table.EntryGateway()
	if err != nil {
		return ""
	}
	return gateway.Workload
}

// plain reports whether what runs has no mesh.
func (e Edition) plain() bool { return e.Table != nil && e.Table.NoMesh() }

// Link is an address to show.
type Link struct {
	Name string `json:"name"` // "page"
	URL  string `json:"url"`  // "http://localhost:8080/demo-app/"
}
