// Package mesh compiles Istio's objects into an immutable route table and decides, as a pure function of table, request, source and
// a random number, what happens to a request. The proxy, in mesh/proxy, carries the decision out.
package mesh

import (
	"net/http"
	"time"
)

// Source is who sends a request: a workload through its sidecar, or a gateway.
type Source struct {
	Workload  string            // the Deployment's name ("front-blue"), or the gateway's ("istio-ingressgateway")
	Namespace string            //
	Labels    map[string]string // of the pod
	Principal string            // "cluster.local/ns/hopline/sa/front", without the scheme spiffe://
	Gateway   bool              // whether VirtualServices reach it by a Gateway rather than as "mesh"
}

// Request is what a decision looks at.
type Request struct {
	Method    string
	Authority string // the Host header as sent, with the port if it had one
	Path      string // the path and query as they stand in the request line, still escaped
	Scheme    string
	Port      int // the port that the caller asked for: of the URL in a sidecar, of the Gateway's server in a gateway
	Header    http.Header
}

// URL is what was asked for, in full.
func (r *Request) URL() string { return requestScheme(r) + "://" + r.Authority + r.Path }

// Decision is what happens to one request. It is a value: making one allocates nothing.
type Decision struct {
	Outcome Outcome
	Route   *Route        // the rule that took the request; nil for NoHost and NoRoute
	To      *Destination  // whose turn it is among the route's weighted destinations; nil unless Forward
	Delay   time.Duration // injected before anything else
	Abort   int           // injected HTTP status, 0 for none; answered after Delay with the body "fault filter abort"
	Mirror  uint64        // bit i: send a copy to Route.Mirrors[i]
}

// Outcome says which kind of answer a request gets.
type Outcome uint8

// The outcomes, and what the caller sees of each.
const (
	NoHost   Outcome = iota // sidecar only: no Service or ServiceEntry has the name: 502 that names what is missing
	NoRoute                 // the host is known and no rule takes the request: 404, empty body
	Forward                 // to Decision.To
	Redirect                // Route.Redirect
	Direct                  // Route.Direct
)

// Route is one compiled rule: one match of one http entry of a VirtualService, or the default route of a Service.
type Route struct {
	Object  string // "VirtualService hopline/middle"; "Service hopline/clock" for a default route
	Rule    string // the rule's name, or its place; "default" for a default route
	Place   string // "http[1].match[0]"; empty for a default route
	Callers string // whom it is for, as Rule.Callers names them, where other callers of the rule get other shares; else empty
	Rewrite *Rewrite
	Timeout time.Duration // 0: none
	Retries Retries
	Fault   *Fault

	Destinations []Destination // empty for redirects and direct responses
	Mirrors      []Mirror
	Redirect     *RedirectTo
	Direct       *DirectAnswer
	Hash         []HashKey // of the request, for destinations with a ConsistentHash balancer
	Headers      HeaderOps // of the rule, and of its destination where it has just one; those of a weighted destination are applied before it

	Decorator string // Istio's operation name for spans: "middle.hopline.svc.cluster.local:80/*"
}

// Destination is one of the weighted targets of a route.
type Destination struct {
	Cluster   *Cluster
	Weight    int    // of the sum of its route's weights
	Authority string // of requests that go here where the route's Rewrite has none; empty: kept
	Headers   HeaderOps
}

// HeaderOps changes headers, in Envoy's order: remove comes first, then set, which replaces, then add, which appends. The authority
// is never among them: what a rule writes to "host" or ":authority" is in Rewrite.Authority or Destination.Authority.
type HeaderOps struct {
	RequestSet, RequestAdd   []Header
	RequestRemove            []string
	ResponseSet, ResponseAdd []Header
	ResponseRemove           []string
}

// Header is one name with its value.
type Header struct{ Name, Value string }

// Rewrite changes path and authority of a request before it goes to its destination.
type Rewrite struct {
	Authority string // empty: kept
	// URI makes the new path and query of the one in the request; nil: kept.
	URI func(pathAndQuery string) string
}

// RedirectTo is an answer that sends the caller elsewhere.
type RedirectTo struct {
	Code int
	// Location makes the Location header's value of the request.
	Location func(*Request) string
}

// DirectAnswer is an answer that the proxy makes itself.
type DirectAnswer struct {
	Code     int
	Body     []byte
	Location bool // a Location header with the URL that was asked for, as Envoy gives to 201 and 3xx; see Request.URL
}

// Retries says when a try is followed by another. The words and their meaning are Envoy's, x-envoy-retry-on and
// x-envoy-retry-grpc-on.
type Retries struct {
	Attempts    int           // tries after the first; 0: none
	PerTry      time.Duration // 0: none of its own
	On          RetryOn
	StatusCodes []int         // with On & RetriableStatusCodes
	Backoff     time.Duration // base of the exponential, jittered back-off between tries; Envoy's default is 25 ms
	OtherHosts  bool          // prefer endpoints not tried before (Istio's default retry policy)
}

// RetryOn is the set of conditions of a retry.
type RetryOn uint32

// The conditions, by Envoy's names.
const (
	RetryOn5xx RetryOn = 1 << iota
	RetryOnGatewayError
	RetryOnReset
	RetryOnResetBeforeRequest
	RetryOnConnectFailure
	RetryOnEnvoyRatelimited
	RetryOnRetriable4xx
	RetryOnRefusedStream
	RetryOnRetriableStatusCodes
	RetryOnRetriableHeaders
	RetryOnHTTP3PostConnectFailure
	RetryOnGRPCCancelled
	RetryOnGRPCDeadlineExceeded
	RetryOnGRPCInternal
	RetryOnGRPCResourceExhausted
	RetryOnGRPCUnavailable
)

// Fault is injected trouble; percentages are of the requests that the rule takes. The decision has already drawn.
type Fault struct {
	Delay        time.Duration
	DelayPercent float64
	Abort        int // HTTP status
	AbortPercent float64
}

// Mirror is a destination that gets copies, whose answers nobody reads.
type Mirror struct {
	Cluster *Cluster
	Percent float64
}

// Cluster is one destination that endpoints stand behind: a Service's port, or a subset of it, or a ServiceEntry's.
type Cluster struct {
	Name   string // as Istio names it: "outbound|80|canary|middle.hopline.svc.cluster.local"
	Host   string // FQDN
	Port   int    // of the Service or ServiceEntry
	Subset string

	Known     bool              // whether a Service, ServiceEntry or subset backs it: if not, 503 with an empty body
	Namespace string            // of the Service
	Selector  map[string]string // labels of its pods: the Service's selector and the subset's labels; nil for addresses
	// Target is the container port, by number or, where TargetName is set, by name.
	Target     int
	TargetName string
	Addresses  []string // host:port of a ServiceEntry with resolution STATIC, or of the names to look up with DNS
	DNS        bool
	Original   bool // resolution NONE: to the host that the request names
	External   bool // MESH_EXTERNAL
	// Gateway is set when the destination is a built-in gateway ("istio-egressgateway"): the request is decided again with that gateway
	// as its source and GatewayPort as its port.
	Gateway     string
	GatewayPort int

	Balancer Balancer
	Pool     Pool
	Outlier  *Outlier // nil: no ejection
}

// Balancer picks one endpoint of a cluster: Istio's LoadBalancerSettings.SimpleLB, or consistent hashing.
type Balancer uint8

// The balancers. LeastRequest is Istio's default.
const (
	LeastRequest Balancer = iota
	RoundRobin
	Random
	ConsistentHash // by the keys of the route
)

// HashKey is what consistent hashing goes by: a header, a query parameter, the caller's address or a cookie. Of several that a request
// has, the hashes are combined.
type HashKey struct {
	Header     string
	Query      string
	Source     bool
	Cookie     string
	CookiePath string
	CookieMake bool          // whether the cookie is made when absent: without, such requests go anywhere
	CookieTTL  time.Duration // of a cookie that is made; 0: for the session
}

// Pool bounds connections and requests to a cluster. 0 means Istio's default, which is no bound.
type Pool struct {
	MaxConnections           int
	MaxPending               int // http1MaxPendingRequests
	MaxRequests              int // http2MaxRequests: requests in flight
	MaxRequestsPerConnection int
	MaxRetries               int
	ConnectTimeout           time.Duration // Istio's default: 10 s
	IdleTimeout              time.Duration
}

// Outlier ejects endpoints that fail; the fields are those of Istio's OutlierDetection with its defaults filled in.
type Outlier struct {
	Consecutive5xx     int // 0: off
	ConsecutiveGateway int // 0: off
	ConsecutiveLocal   int // 0: off; with SplitLocal
	SplitLocal         bool
	Interval           time.Duration
	BaseEjection       time.Duration
	MaxEjectionPercent int
	MinHealthPercent   int
}

// Pod is one running copy of a workload, as the proxy needs to know it.
type Pod struct {
	Name   string // "front-blue-6c9f…-x7k2p"
	Source        // whom it calls as, and what it is labelled
	Bare   bool   // without a sidecar: its requests only find their Service, and those to it are let in
	Ready  bool
	Ports  map[int]string // container port → the loopback address that stands for it
	Names  map[string]int // container port name → container port
}
