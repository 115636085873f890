package console

import (
	"github.com/hopline/hopline/lab/collector"
	"github.com/hopline/hopline/lab/internal/workload"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/proxy"
	"github.com/hopline/hopline/lab/overlay"
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
	// Flows returns the requests counted so far. Counts of a flow never fall, except to zero when the flow is deleted.
	Flows() []Flow
	// Logs returns the stored lines that name a trace, the oldest first.
	Logs(traceID string) []workload.Line
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
	Rules    []mesh.Rule       // what runs, as mesh.Table.Rules lists it; nil before the first
	Plain    bool              // it runs without a mesh, as mesh.Table.Plain reports
	Problems []overlay.Problem // why the newest edit does not run; the previous one still runs
	Notes    []string          // what is accepted and not enforced, and other lasting warnings
	Links    []Link            // addresses: the page, Zipkin's API
}

// Link is an address to show.
type Link struct {
	Name string `json:"name"` // "page"
	URL  string `json:"url"`  // "http://localhost:8080/demo-app/"
}

// Flow counts the requests of one kind: decided by one rule, sent to one workload, with one status code.
type Flow struct {
	Object    string // the rule's object as mesh.Route has it: "VirtualService hopline/middle"; empty where no rule matched the request
	Rule      string // mesh.Route.Rule: "everybody", "http[1].match[0]"
	Callers   string // mesh.Route.Callers
	Namespace string // of the workload that responded; empty where none did
	Workload  string // "middle-canary"
	App       string // "middle"; the requested host where no workload responded
	Version   string // "canary"
	Code      int    // HTTP status; 0 where the caller got no response
	Copy      bool   // they are copies that a rule mirrors: they count for the workload, not for the rule, and Object is empty
	Flags     string // Envoy's response flags, "-" for none
	Requests  uint64
	Seconds   float64 // sum of their durations
}
