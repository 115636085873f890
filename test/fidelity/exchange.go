package fidelity

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// ingress is the source of a request from outside, through the gateway.
const ingress = "ingress"

// request is what a caller sends, to either engine.
type request struct {
	from      string // workload, or ingress
	method    string
	authority string // "web", "web:9090"
	path      string // path and query as they are sent
	header    []header
	body      string
}

type header struct{ name, value string }

// port returns the authority's port, 80 by default.
func (r request) port() int {
	if _, p, ok := strings.Cut(r.authority, ":"); ok {
		if n, err := strconv.Atoi(p); err == nil {
			return n
		}
	}
	return 80
}

// with returns the request with a further header.
func (r request) with(name, value string) request {
	r.header = append(append([]header(nil), r.header...), header{name, value})
	return r
}

// curl returns the request as a curl command for the engine's listener at base.
func (r request) curl() string {
	var b strings.Builder
	fmt.Fprintf(&b, "curl -i -X %s -H 'Host: %s'", r.method, r.authority)
	for _, h := range r.header {
		fmt.Fprintf(&b, " -H '%s: %s'", h.name, h.value)
	}
	if r.body != "" {
		fmt.Fprintf(&b, " --data-binary @- # %d bytes", len(r.body))
	}
	fmt.Fprintf(&b, " 'http://…%s' # from %s", r.path, r.from)
	return b.String()
}

// answer holds the response that the caller gets.
type answer struct {
	status int
	header http.Header
	body   string
	took   time.Duration
	err    error
}

// do sends the request to an engine's listener and reads the whole response. For a proxy the request line holds the whole URL.
func (r request) do(client *http.Client, entrance string, proxy bool) answer {
	var body io.Reader
	if r.body != "" {
		body = struct{ io.Reader }{strings.NewReader(r.body)} // the client itself cannot replay it
	}
	req, err := http.NewRequest(r.method, "http://"+entrance+"/", body)
	if err != nil {
		return answer{err: err}
	}
	req.URL.Opaque = r.path // unchanged, neither cleaned nor escaped again
	if proxy || strings.HasPrefix(r.path, "//") {
		req.URL.Opaque = "//" + r.authority + r.path // the whole URL: net/http takes two slashes as the beginning of one
	}
	req.Host = r.authority
	req.ContentLength = int64(len(r.body))
	for _, h := range r.header {
		req.Header[http.CanonicalHeaderKey(h.name)] = append(req.Header[http.CanonicalHeaderKey(h.name)], h.value)
	}
	begin := time.Now()
	response, err := client.Do(req)
	if err != nil {
		return answer{err: err, took: time.Since(begin)}
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(read), time.Since(begin), err}
}

// internalHeader is set by a sidecar on mirrored copies, not on the request.
const internalHeader = "x-envoy-internal"

// outcome is one exchange: the response, and what the upstreams received.
type outcome struct {
	answer
	arrivals []arrival // by app, in order, a sidecar's mirrored copies last: they are sent at their own time
}

// compare returns how two engines' outcomes differ, nothing if they agree.
func compare(istio, lab outcome) []string {
	var d differences
	d.check("status", istio.status, lab.status)
	d.check("error", istio.err != nil, lab.err != nil)
	d.check("arrivals", len(istio.arrivals), len(lab.arrivals))
	if istio.unknownHost() && lab.status == istio.status && len(lab.arrivals) == 0 {
		return d
	}
	if len(istio.arrivals) == 0 && len(lab.arrivals) == 0 || istio.status != lab.status || !strings.HasPrefix(istio.body, "echo ") {
		d.check("body", istio.body, lab.body) // only for the engine's own response; an upstream's names the workload, which is compared below
	}
	d.headers("answer", istio.header, lab.header, ofAnswers)
	d.arrivals(istio.arrivals, lab.arrivals)
	return d
}

// unknownHost reports that Istio has no such host: Istio responds with 502 and no body, the lab with a text about the missing ServiceEntry.
func (o outcome) unknownHost() bool {
	return o.status == http.StatusBadGateway && o.body == "" && len(o.arrivals) == 0
}

// app returns the workload without its version.
func (a arrival) app() string {
	app, _, _ := strings.Cut(a.workload, "-")
	return app
}

// anyVersion returns the outcome without the versions that it reached.
func (o outcome) anyVersion() outcome {
	o.arrivals = slices.Clone(o.arrivals)
	for i, a := range o.arrivals {
		o.arrivals[i].workload = a.app()
	}
	return o
}

// met adds the workloads that were reached.
func (o outcome) met(to map[string]bool) {
	for _, a := range o.arrivals {
		to[a.workload] = true
	}
}

type differences []string

func (d *differences) check(what string, istio, lab any) {
	if istio != lab {
		*d = append(*d, fmt.Sprintf("%s: Istio %v, the lab %v", what, istio, lab))
	}
}

func (d *differences) arrivals(istio, lab []arrival) {
	for i := range min(len(istio), len(lab)) {
		a, b := istio[i], lab[i]
		name := fmt.Sprintf("try %d: ", i+1)
		d.check(name+"workload", a.workload, b.workload)
		d.check(name+"method", a.method, b.method)
		d.check(name+"path", a.uri, b.uri)
		d.check(name+"host", a.host, b.host)
		d.check(name+"body", a.body, b.body)
		d.headers(name+"header", a.header, b.header, ofRequests)
	}
}

func (d *differences) headers(what string, istio, lab http.Header, by map[string]nature) {
	names := map[string]bool{}
	for n := range istio {
		names[n] = true
	}
	for n := range lab {
		names[n] = true
	}
	sorted := make([]string, 0, len(names))
	for n := range names {
		sorted = append(sorted, n)
	}
	sort.Strings(sorted)
	for _, n := range sorted {
		switch by[strings.ToLower(n)] {
		case ignored:
		case nearly:
			a, errA := strconv.Atoi(istio.Get(n))
			b, errB := strconv.Atoi(lab.Get(n))
			if errA != nil || errB != nil || a-b > tolerance || b-a > tolerance {
				d.check(what+" "+n, istio.Get(n), lab.Get(n))
			}
		case presence:
			d.check(what+" "+n+" present", len(istio[n]) > 0, len(lab[n]) > 0)
		default:
			// one line of "a,b" and two lines of "a" and "b" are the same header: RFC 9110, 5.3
			d.check(what+" "+n, strings.Join(istio[n], ","), strings.Join(lab[n], ","))
		}
	}
}

// nature describes how a header may differ between engines with the same behaviour.
type nature int

const (
	same     nature = iota
	presence        // both have it or neither; the value differs each time
	nearly          // a number of milliseconds that decreases while the engine works
	ignored
)

// tolerance is the largest difference between two nearly equal numbers.
const tolerance = 60

// The headers that are not compared in full, and why. Everything else is compared. README.md has the list for readers;
// TestReadmeNamesWhatIsLeftOut checks that it is complete.
var (
	ofAnswers = map[string]nature{
		"date":                          presence, // the time of the response
		"server":                        ignored,  // each engine has its own name
		"x-envoy-upstream-service-time": presence, // a duration in milliseconds
		"x-envoy-decorator-operation":   ignored,  // in a mesh the upstream's sidecar removes it; there is none here
		"set-cookie":                    presence, // of a consistent hash: the value is the hash of an address that differs between the engines
	}
	ofRequests = map[string]nature{
		"x-request-id":                   presence, // random
		"x-envoy-expected-rq-timeout-ms": nearly,
		"x-b3-traceid":                   ignored, // the discovery server here configures no tracing
		"x-b3-spanid":                    ignored,
		"x-b3-parentspanid":              ignored,
		"x-b3-sampled":                   ignored,
		"x-envoy-peer-metadata":          ignored, // from Istio's own Envoy build; nothing reads it in the lab
		"x-envoy-peer-metadata-id":       ignored,
		"x-envoy-decorator-operation":    ignored,
	}
)
