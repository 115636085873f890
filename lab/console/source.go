package console

import (
	"github.com/hopline/hopline/lab/collector"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/proxy"
	"github.com/hopline/hopline/lab/overlay"
	"github.com/hopline/hopline/lab/workload"
	"github.com/hopline/hopline/lab/zipkin"
)

// Source is the lab as the console looks at it. Its methods are called from any goroutine and return at once; nobody changes
// what they have returned.
type Source interface {
	// Edition is what runs and what is wrong with the newest edit.
	Edition() Edition
	// Pods and Deployments are what a workload.Supervisor tells.
	Pods() []workload.Status
	Deployments() []workload.Deployment
	// Ejections are the endpoints that callers have put aside.
	Ejections() []proxy.Ejection
	// Flows are the requests counted so far. Counts of a flow never fall, except to nothing when it is forgotten.
	Flows() []Flow
	// Logs are the lines kept that name a trace, the oldest first.
	Logs(traceID string) []workload.Line
}

// Traces is where the spans are; a *collector.Collector. Spans that it hands out are not changed.
type Traces interface {
	Search(collector.Query) ([][]*zipkin.Span, error)
	Trace(id string) ([]*zipkin.Span, error)
	Services() []string
	SpanNames(service string) []string
}

// Edition is one state of the overlay directory.
type Edition struct {
	Name     string            // as the user named it: "deploy/overlays/canary"
	Revision int               // counts the editions that came to run; when it changes, shares are counted anew
	Rules    []mesh.Rule       // what runs, as mesh.Table.Rules lists it; nil before the first
	Plain    bool              // it runs without a mesh, as mesh.Table.Plain tells
	Problems []overlay.Problem // why the newest edit does not run; the one before it does
	Notes    []string          // what is accepted and not enforced, and other warnings that stay
	Links    []Link            // where things are: the page, Zipkin's API
}

// Link is an address worth telling.
type Link struct {
	Name string `json:"name"` // "page"
	URL  string `json:"url"`  // "http://localhost:8080/demo-app/"
}

// Flow counts the requests of one kind: decided by one rule, sent to one workload, answered with one code.
type Flow struct {
	Object    string // the rule's object as mesh.Route has it: "VirtualService hopline/middle"; empty where no rule took the request
	Rule      string // mesh.Route.Rule: "everybody", "http[1].match[0]"
	Callers   string // mesh.Route.Callers
	Namespace string // of the workload that answered; empty where none did
	Workload  string // "middle-canary"
	App       string // "middle"; the host that was asked where no workload answered
	Version   string // "canary"
	Code      int    // HTTP status; 0 where the caller got no answer
	Copy      bool   // they are copies that a rule mirrors: they count for the workload, not for the rule, and Object is empty
	Flags     string // Envoy's response flags, "-" for none
	Requests  uint64
	Seconds   float64 // they took, added up
}
