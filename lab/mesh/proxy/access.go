package proxy

import (
	"time"

	"github.com/hopline/hopline/lab/mesh"
)

// Access is the record of one request, as Envoy's access log has it.
type Access struct {
	Copy      bool // the request is a copy that a rule mirrors: its response is discarded, and Route is nil
	Start     time.Time
	Duration  time.Duration
	Source    *mesh.Source // who sent the request, and from which pod
	Pod       string
	From      *mesh.Source // the workload that called the gateway Source; nil: Source is no gateway, or the caller is outside the mesh
	Method    string
	Scheme    string
	Authority string
	Port      int // that was requested, as mesh.Request has it
	Path      string
	Headers   []string   // names of the headers that rules match on: Rules.MatchedHeaders
	Values    [][]string // their values in the request as it was decided, by the index in Headers
	Status    int        // 0: no response was sent
	Denied    bool       // an AuthorizationPolicy denied the request
	Flags     string     // Envoy's response flags
	Received  int64      // bytes of body
	Sent      int64
	Attempts  int           // tries
	Route     *mesh.Route   // that matched; nil: none
	Cluster   *mesh.Cluster // destination; nil: none
	Upstream  string        // address of the last try
	Answered  string        // pod of the last try,
	By        *mesh.Source  // and its workload; nil: none
	RequestID string
	TraceID   string // 32 hex digits
	Traced    bool   // the proxy reports a span of the request
}

// record reports a finished request to metrics, traces and the access log.
func (x *exchange) record() {
	if x.noSidecar {
		return
	}
	end := time.Now()
	took := end.Sub(x.start)
	if x.gone() && !x.wrote || x.flags&flagClientGone != 0 {
		x.flags |= flagClientGone
	}
	received := int64(0)
	if x.body != nil {
		received = x.body.size()
	}
	e := x.link()
	e.observe(bySource, x.status, x.flags, took, received, x.sent)
	x.emit(end)
	if x.proxy.access != nil {
		x.logAccess(took, received)
	}
}

// link returns the metrics that the request counts for.
func (x *exchange) link() *link {
	switch {
	case x.host != nil:
		return x.host.link
	case x.cluster != nil:
		return x.cluster.noHost
	}
	return x.in.noRoute
}

// noteHeaders notes the values that the decision was made with, for the access record.
func (x *exchange) noteHeaders() {
	if x.proxy.access == nil {
		return
	}
	for _, name := range x.state.headers {
		x.values = append(x.values, x.r.Header[name])
	}
}

func (x *exchange) logAccess(took time.Duration, received int64) {
	a := &x.log
	*a = Access{Start: x.start, Duration: took, Source: &x.in.source, Pod: x.in.name, From: x.arrival.from, Method: x.req.Method, Scheme: x.req.Scheme,
		Authority: x.req.Authority, Port: x.req.Port, Path: x.req.Path, Headers: x.state.headers, Values: x.values, Status: x.status, Denied: x.denied, Flags: x.flags.String(), Received: received, Sent: x.sent, Attempts: x.attempts, Route: x.d.Route}
	if x.cluster != nil {
		a.Cluster = x.cluster.Cluster
	}
	if x.host != nil {
		a.Upstream = x.host.address
		if x.host.pod != nil {
			a.Answered, a.By = x.host.pod.Name, &x.host.pod.Source
		}
	}
	if id := x.r.Header[hRequestID]; len(id) > 0 {
		a.RequestID = id[0]
	}
	a.TraceID, a.Traced = x.trace.traceID(), x.traced()
	x.proxy.access(a)
}
