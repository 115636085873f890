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
	Method    string
	Authority string
	Path      string
	Status    int    // 0: no response was sent
	Flags     string // Envoy's response flags
	Received  int64  // bytes of body
	Sent      int64
	Attempts  int           // tries
	Route     *mesh.Route   // that matched; nil: none
	Cluster   *mesh.Cluster // destination; nil: none
	Upstream  string        // address of the last try
	Answered  string        // pod of the last try,
	By        *mesh.Source  // and its workload; nil: none
	RequestID string
	TraceID   string // 32 hex digits
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

func (x *exchange) logAccess(took time.Duration, received int64) {
	a := &x.log
	*a = Access{Start: x.start, Duration: took, Source: &x.in.source, Pod: x.in.name, Method: x.req.Method, Authority: x.req.Authority, Path: x.req.Path,
		Status: x.status, Flags: x.flags.String(), Received: received, Sent: x.sent, Attempts: x.attempts, Route: x.d.Route}
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
	a.TraceID = x.trace.traceID()
	x.proxy.access(a)
}
