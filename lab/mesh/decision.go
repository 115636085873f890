package mesh

import (
	"net/http"
	"time"

	"github.com/hopline/hopline/lab/istio"
)

// Source describes the sender of a request: a workload through its sidecar, or a gateway.
type Source struct {
	Workload  string            // the name of the Deployment ("front-blue") or of the gateway ("istio-ingressgateway")
	Namespace string            //
	Labels    map[string]string // labels of the pod
	Principal string            // "cluster.local/ns/hopline/sa/front", without the scheme spiffe://
	Gateway   bool              // whether VirtualServices apply to it through a Gateway instead of "mesh"
	NoSidecar bool              // a pod without a sidecar: its requests only find their Service, and it accepts all requests
}

// Request holds the parts of a request that a decision depends on.
type Request struct {
	Method    string
	Authority string // the Host header as sent, with the port if it has one
	Path      string // the path and query as in the request line, still escaped
	Scheme    string
	Port      int // the requested port: that of the URL in a sidecar, that of the Gateway's server in a gateway
	Header    http.Header

	// Peer and Cluster are only for policies. Peer is the IP address of the caller of a gateway; empty: 127.0.0.1, the address of every pod.
	// Cluster is the name of the cluster by which a proxy of the mesh sends the request; empty for a request from outside.
	Peer, Cluster string
}

// URL returns the full URL of the request.
func (r *Request) URL() string { return requestScheme(r) + "://" + r.Authority + r.Path }

// Decision describes what happens to one request. It is a value: creating one allocates nothing.
type Decision struct {
	Outcome Outcome
	Route   *Route        // the rule that matches the request; nil for NoHost and NoRoute
	To      *Destination  // the chosen one of the route's weighted destinations; nil unless Forward or Preflight
	Delay   time.Duration // injected before anything else
	Abort   int           // injected HTTP status, 0 for none; sent after Delay with the body "fault filter abort"
	Mirror  uint64        // bit i: send a copy to Route.Mirrors[i]
}

// Outcome is the kind of response that a request gets.
type Outcome uint8

// The outcomes, and what the caller gets for each.
const (
	NoHost    Outcome = iota // sidecar only: no Service or ServiceEntry has the name: 502 with a body that names the missing host
	NoRoute                  // the host is known, but no rule matches the request: 404, empty body
	Forward                  // send to Decision.To
	Redirect                 // respond with Route.Redirect
	Direct                   // respond with Route.Direct
	Preflight                // respond with 200 and the headers of Route.CORS to a preflight request
)

// Route holds one compiled rule: one match of one http entry of a VirtualService or of one rule of an HTTPRoute, or the default route of a
// Service.
type Route struct {
	Object  string // "VirtualService hopline/middle"; "Service hopline/clock" for a default route
	Through string // the VirtualService that delegates to Object; empty for a rule of its own
	Rule    string // the rule's name, or its place without a name; "default" for a default route
	Place   string // "http[1].match[0]", or of an HTTPRoute "rules[1].matches[0]"; empty for a default route
	Callers string // the callers of the route, in the form of Rule.Callers, if the rule has other shares for other callers; else empty
	Rewrite *Rewrite
	Timeout time.Duration // 0: none
	Retries Retries
	Fault   *Fault
	CORS    *CORS // nil: none
	// OfHTTPRoute reports whether it is of an HTTPRoute; see Unbacked.
	OfHTTPRoute bool

	Destinations []Destination // empty for redirects and direct responses
	Mirrors      []Mirror
	Redirect     *RedirectTo
	Direct       *DirectResponse
	Hash         []HashKey // hash keys of the request, for destinations with a ConsistentHash balancer
	Headers      HeaderOps // of the rule, and of its destination if it has only one; those of a weighted destination are applied before

	Decorator string // Istio's operation name for spans: "middle.hopline.svc.cluster.local:80/*"
}

// Unbacked returns the status for a destination that is not Known: 503, or 500 under an HTTPRoute.
func (r *Route) Unbacked() int {
	if r.OfHTTPRoute {
		return http.StatusInternalServerError
	}
	return http.StatusServiceUnavailable
}

// Destination holds one of the weighted targets of a route.
type Destination struct {
	Cluster   *Cluster
	Weight    int    // relative to the sum of the route's weights
	Authority string // of requests sent here, if the route's Rewrite sets none; empty: unchanged
	Headers   HeaderOps
}

// HeaderOps changes headers, in Envoy's order: first remove, then set, which replaces, then add, which appends. It never contains the
// authority: a value that a rule writes to "host" or ":authority" is in Rewrite.Authority or Destination.Authority.
type HeaderOps struct {
	RequestSet, RequestAdd   []Header
	RequestRemove            []string
	ResponseSet, ResponseAdd []Header
	ResponseRemove           []string
}

// Header holds one name with its value.
type Header struct{ Name, Value string }

// Rewrite changes the path and authority of a request before it is sent to its destination.
type Rewrite struct {
	Authority string // empty: unchanged
	// URI returns the new path and query for those of the request; nil: unchanged.
	URI func(pathAndQuery string) string
	// Text describes URI: `prefix "/old/" replaced by "/new"`; empty for none.
	Text string
	// From and To are the two texts of a rewrite that replaces a prefix of the path; both are empty for any other.
	From, To string
	// Regex reports whether URI replaces what a regular expression matches.
	Regex bool
}

// RedirectTo describes a redirect response.
type RedirectTo struct {
	Code int
	// Location returns the value of the Location header for a request.
	Location func(*Request) string
	// Text describes Location: "{scheme}://{host}/new/", with names in braces for what stays as in the request.
	Text string
}

// DirectResponse describes a response that the proxy sends itself.
type DirectResponse struct {
	Code     int
	Body     []byte
	Location bool // whether to send a Location header with the requested URL, as Envoy does for 201 and 3xx; see Request.URL
}

// Retries holds the retry policy of a route. The conditions and their meaning are Envoy's, from x-envoy-retry-on and x-envoy-retry-grpc-on.
type Retries struct {
	Attempts    int           // tries after the first; 0: none
	PerTry      time.Duration // timeout of one try; 0: none
	On          istio.RetryOn
	StatusCodes []int         // with On & RetriableStatusCodes
	Backoff     time.Duration // base of the exponential, jittered back-off between tries; Envoy's default is 25 ms
	OtherHosts  bool          // prefer endpoints not tried before (Istio's default retry policy)
}

// Fault holds an injected fault. Percentages are of the requests that the rule matches. The decision has already drawn.
type Fault struct {
	Delay        time.Duration
	DelayPercent float64
	Abort        int // HTTP status
	AbortPercent float64
}

// Mirror holds a destination that gets copies. The proxy discards its responses.
type Mirror struct {
	Cluster *Cluster
	Percent float64
}

// Cluster holds one destination with endpoints: a port of a Service, a subset of it, or a ServiceEntry.
type Cluster struct {
	Name   string // Istio's name: "outbound|80|canary|middle.hopline.svc.cluster.local"
	Host   string // FQDN
	Port   int    // of the Service or ServiceEntry
	Subset string

	Known     bool              // whether a Service, ServiceEntry or subset backs it; if not, the response is as for Route.Unbacked, with an empty body
	Given     bool              // whether its endpoints are assumed to exist, because the files do not have them; see overlay.Assume
	Namespace string            // of the Service
	Selector  map[string]string // labels of its pods: the Service's selector and the subset's labels; nil for addresses
	// Target is the container port: by name if TargetName is set, otherwise by number.
	Target     int
	TargetName string
	Addresses  []string // host:port of a ServiceEntry with resolution STATIC, or of the names to look up with DNS
	DNS        bool
	Original   bool // resolution NONE: send to the host that the request names
	External   bool // MESH_EXTERNAL
	// NotCarried is set if Istio sends requests to the port by HTTP/2, which the lab does not: the response is 502 with this text.
	NotCarried string
	// Passthrough is set for what outboundTrafficPolicy ALLOW_ANY reaches: the request is sent without mutual TLS.
	Passthrough bool
	// Gateway is set if the destination is a built-in gateway ("istio-egressgateway"). The request is then decided again, with that gateway
	// as its source and GatewayPort as its port.
	Gateway     string
	GatewayPort int

	Balancer Balancer
	Pool     Pool
	Outlier  *Outlier // nil: no ejection
}

// Balancer selects how to pick one endpoint of a cluster: Istio's LoadBalancerSettings.SimpleLB, or consistent hashing.
type Balancer uint8

// The balancers. LeastRequest is Istio's default.
const (
	LeastRequest Balancer = iota
	RoundRobin
	Random
	ConsistentHash // by the hash keys of the route
)

// HashKey holds the input of consistent hashing: a header, a query parameter, the caller's address or a cookie. If a request has several,
// their hashes are combined.
type HashKey struct {
	Header     string
	Query      string
	Source     bool
	Cookie     string
	CookiePath string
	CookieMake bool          // whether to create the cookie if it is absent; if not, such requests are sent to any endpoint
	CookieTTL  time.Duration // of a created cookie; 0: a session cookie
}

// Pool limits connections and requests to a cluster. 0 means Istio's default, which is no limit.
type Pool struct {
	MaxConnections           int
	MaxPending               int // http1MaxPendingRequests
	MaxRequests              int // http2MaxRequests: concurrent requests
	MaxRequestsPerConnection int
	MaxRetries               int
	ConnectTimeout           time.Duration // Istio's default: 10 s
	IdleTimeout              time.Duration
}

// Outlier configures the ejection of failing endpoints. It has the fields of Istio's OutlierDetection, with its defaults filled in.
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

// Pod describes one running copy of a workload, for the proxy.
type Pod struct {
	Name   string // "front-blue-6c9f…-x7k2p"
	Source        // its identity as a caller, and its labels
	Ready  bool
	Ports  map[int]string // container port → loopback address
	Names  map[string]int // container port name → container port
}
