package zipkin

// Kind is the role that a span plays in a remote call.
type Kind string

// The kinds of zipkin2-api.yaml. A local span has none.
const (
	Client   Kind = "CLIENT"
	Server   Kind = "SERVER"
	Producer Kind = "PRODUCER"
	Consumer Kind = "CONSUMER"
)

// Span is one timed operation of a trace.
type Span struct {
	TraceID        string       `json:"traceId"`            // 16 or 32 lower-case hex digits
	ParentID       string       `json:"parentId,omitempty"` // empty at the root
	ID             string       `json:"id"`                 // 16 lower-case hex digits
	Kind           Kind         `json:"kind,omitempty"`
	Name           string       `json:"name,omitempty"`
	Timestamp      int64        `json:"timestamp,omitempty"` // start, microseconds since 1970
	Duration       int64        `json:"duration,omitempty"`  // microseconds, at least 1 when known
	LocalEndpoint  *Endpoint    `json:"localEndpoint,omitempty"`
	RemoteEndpoint *Endpoint    `json:"remoteEndpoint,omitempty"`
	Annotations    []Annotation `json:"annotations,omitempty"`
	Tags           Tags         `json:"tags,omitempty"`
	Debug          bool         `json:"debug,omitempty"`
	Shared         bool         `json:"shared,omitempty"` // the server's half of a span whose id the client made
}

// Endpoint is one side of a call.
type Endpoint struct {
	ServiceName string `json:"serviceName,omitempty"`
	IPv4        string `json:"ipv4,omitempty"`
	IPv6        string `json:"ipv6,omitempty"`
	Port        int    `json:"port,omitempty"`
}

// Annotation is an event within a span.
type Annotation struct {
	Timestamp int64  `json:"timestamp"` // microseconds since 1970
	Value     string `json:"value"`
}
