// Package header holds the names of the HTTP headers that the services read and write, in net/http's canonical form, so that they can index
// an http.Header.
package header

// Headers that every hop forwards and echoes on its response.
const (
	RequestID   = "X-Request-Id" // made by the first hop if it is missing
	SpanContext = "X-Ot-Span-Context"
	User        = "X-Dev-User" // the user whom the mesh's rules match
	Fail        = "Fail"       // a fraction: each hop that gets it fails with that probability
	FaultPrefix = "X-Fault-"   // and a service's name: applies to that hop only
)

// Through lists the stand-ins that a request has passed, outermost first. It keeps them from calling each other without end.
const Through = "X-Stand-In-Through"

// Headers of a response.
const (
	ServedBy = "X-Served-By"      // the service, its version and its host: front-amber/front-amber-7d9f-x2x9k
	Injected = "X-Fault-Injected" // the services that failed on purpose, and how; every hop passes it up
	Timing   = "Server-Timing"    // the hops that took part and their durations, outermost first
)

// Headers of B3 (https://github.com/openzipkin/b3-propagation).
const (
	B3        = "B3"           // all of the others in one header
	B3TraceID = "X-B3-Traceid" // on each response too
	B3SpanID  = "X-B3-Spanid"
	B3Sampled = "X-B3-Sampled"
	B3Flags   = "X-B3-Flags"
)
