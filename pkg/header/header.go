// Package header names the HTTP headers that the services read and write, in the form that net/http keeps them in, so that an
// http.Header may be indexed with them.
package header

// Headers that travel with a request through all hops and are echoed on each response.
const (
	RequestID   = "X-Request-Id" // made by the first hop when it is absent
	SpanContext = "X-Ot-Span-Context"
	User        = "X-Dev-User" // whom the mesh's rules route for
	Fail        = "Fail"       // a fraction: each hop that sees it fails with that probability
	FaultPrefix = "X-Fault-"   // and a service's name: concerns that one hop
)

// Headers of a response.
const (
	ServedBy = "X-Served-By"      // the service, its version and its host: front-amber/front-amber-7d9f-x2x9k
	Injected = "X-Fault-Injected" // the services that failed on purpose, and how; every hop passes it up
	Timing   = "Server-Timing"    // the hops that took part and for how long, outermost first
)

// Headers of B3 (https://github.com/openzipkin/b3-propagation).
const (
	B3        = "B3"           // all of the others in one
	B3TraceID = "X-B3-Traceid" // on each response too
	B3SpanID  = "X-B3-Spanid"
	B3Sampled = "X-B3-Sampled"
	B3Flags   = "X-B3-Flags"
)
