// Package send implements `hopline curl`: it sends a request as a workload of the running lab, or as a client outside the mesh.
//
// The request takes the same path as the workload's own requests: through the sidecar of one of its pods, with that pod's credentials. So
// the mesh cannot distinguish it from a request of the workload. A request from outside enters at mesh.Table.EntryGateway.
//
// Files: send.go (the sender in the lab), command.go (the command line).
package send

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hopline/hopline/lab/explain"
	"github.com/hopline/hopline/lab/internal/usage"
	"github.com/hopline/hopline/lab/internal/workload"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/rules"
	"github.com/hopline/hopline/lab/zipkin"
)

// The bounds of a request.
const (
	MaxBody    = 1 << 20          // bytes, of the request, and of the response as far as it is kept
	Timeout    = 30 * time.Second // until the end of the response
	maxSending = 16               // requests at the same time
)

// Request is the request to send.
type Request struct {
	From   string   `json:"from"` // a workload; empty for a client outside
	Method string   `json:"method"`
	URL    string   `json:"url"`
	Header []string `json:"headers"` // "name: value"
	Body   string   `json:"body"`    // at most MaxBody bytes
}

// Response is the response that the caller got.
type Response struct {
	Status   int      `json:"status"`
	Text     string   `json:"text"` // "200 OK"
	Headers  []Header `json:"headers"`
	Body     string   `json:"body"`    // as text; empty if it is not text
	Binary   []byte   `json:"binary"`  // the body if it is not text, in base64
	Cut      bool     `json:"cut"`     // the body is longer than MaxBody, and only its beginning is here
	Took     int64    `json:"took_us"` // microseconds
	Sender   string   `json:"sender"`  // the pod that sent the request, or the gateway that it entered by
	By       string   `json:"by"`      // who responded: "middle-canary/middle-canary-6c9f-x7k2p", "the mesh", "the destination's sidecar", or "an upstream"
	Mesh     bool     `json:"mesh"`    // the mesh responded itself: no upstream did
	Trace    string   `json:"trace"`   // trace id; empty if the request's headers turn tracing off
	TraceURL string   `json:"trace_url"`
	Near     []string `json:"near"` // of a response of the mesh: what nearly matches the request, and why it does not, as hopline explain has it
}

// Header is one header of a response.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Sender sends requests through a running lab. Its fields are set before the first request.
type Sender struct {
	Ingress     string                         // address of the listener for requests from outside
	Sidecar     string                         // address of the sidecars' listener
	Credentials func(pod string) *url.Userinfo // of a pod at its sidecar
	Pods        func() []workload.Status       //
	Span        func(*zipkin.Span)             // gets the span of the sender, the root of the trace
	Console     string                         // "http://localhost:8090/"

	sending chan struct{}
}

// New returns a Sender with the fields of s.
func New(s Sender) *Sender {
	s.sending = make(chan struct{}, maxSending)
	return &s
}

// ErrBusy is the error of Send while too many requests are being sent.
var ErrBusy = errors.New("want at most 16 requests at the same time: try again")

// Send sends a request and returns the response. A redirect is not followed, and nothing is sent twice. An error of package usage reports an
// invalid request. Any other error that is not ErrBusy reports that there was no response, in Timeout or at all.
func (s *Sender) Send(ctx context.Context, r Request, of *rules.Rules) (*Response, error) {
	select {
	case s.sending <- struct{}{}:
		defer func() { <-s.sending }()
	default:
		return nil, ErrBusy
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	q := &rules.Question{From: r.From, Method: r.Method, URL: r.URL}
	request, err := r.build(ctx, q)
	if err != nil {
		return nil, usage.Error(err)
	}
	transport, sender, err := s.way(q, of)
	if err != nil {
		return nil, usage.Error(err)
	}
	root := newRoot(request)
	client := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return nil, noResponse(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	out, err := s.read(response)
	if err != nil {
		return nil, noResponse(ctx, err)
	}
	out.Took, out.Sender = time.Since(root.begun).Microseconds(), sender
	if out.Trace = root.trace; root.own {
		s.Span(root.span(request, response.StatusCode, sender))
	} else {
		out.Trace = response.Header.Get("X-B3-Traceid")
	}
	if out.Trace != "" {
		out.TraceURL = s.Console + "trace/" + out.Trace
	}
	if out.Mesh {
		out.Near = append(out.Near, r.near(q, of)...)
	}
	return out, nil
}

// build checks the request and returns it.
func (r *Request) build(ctx context.Context, q *rules.Question) (*http.Request, error) {
	if len(r.Body) > MaxBody {
		return nil, fmt.Errorf("body: want at most %d bytes, got %d", MaxBody, len(r.Body))
	}
	u, err := q.Address()
	if err == nil && u.Scheme != "http" {
		err = fmt.Errorf("URL %q: want http, the only scheme of the lab", r.URL)
	}
	if err != nil {
		return nil, err
	}
	header, err := headers(r.Header)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, strings.ToUpper(r.Method), u.String(), strings.NewReader(r.Body))
	if err != nil {
		return nil, fmt.Errorf("method %q: want one such as GET", r.Method)
	}
	request.Header, request.GetBody = header, nil // nothing is sent twice
	if host := header.Get("Host"); host != "" {
		request.Host = host
		header.Del("Host")
	}
	if request.Header.Get("User-Agent") == "" {
		request.Header.Set("User-Agent", "hopline")
	}
	return request, nil
}

// near returns what nearly matches a request to which the mesh itself responds.
func (r *Request) near(q *rules.Question, of *rules.Rules) []string {
	for _, line := range r.Header {
		if h, err := rules.ParseHeader(line); err == nil { // else there is no response
			q.Headers = append(q.Headers, h)
		}
	}
	answer, err := explain.Ask(q, of, "", nil)
	if err != nil { // it has no certain answer
		return nil
	}
	return answer.Near
}

// headers parses headers of the form "name: value".
func headers(lines []string) (http.Header, error) {
	out := http.Header{}
	for _, line := range lines {
		h, err := rules.ParseHeader(line)
		if err != nil {
			return nil, err
		}
		out.Add(h.Name, h.Value)
	}
	return out, nil
}

// way returns how a request enters the mesh, and who sends it.
func (s *Sender) way(q *rules.Question, of *rules.Rules) (*http.Transport, string, error) {
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	source, err := of.Source(q)
	if err != nil {
		return nil, "", err
	}
	if source.Gateway {
		if entry, err := of.Table.EntryGateway(); err != nil || entry.Workload != source.Workload || entry.Namespace != source.Namespace {
			return nil, "", fmt.Errorf("--from %s: want a workload, or a client outside: the lab sends no request as another gateway", q.From)
		}
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", s.Ingress)
		}
		return transport, source.Workload, nil
	}
	pod, err := s.pod(source)
	if err != nil {
		return nil, "", err
	}
	transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: s.Sidecar, User: s.Credentials(pod)})
	return transport, pod, nil
}

// pod returns a pod of a workload, a ready one if there is one.
func (s *Sender) pod(source *mesh.Source) (string, error) {
	found := ""
	for _, p := range s.Pods() {
		if p.Namespace == source.Namespace && p.Workload == source.Workload && (found == "" || p.State == workload.Ready) {
			found = p.Name
		}
	}
	if found == "" {
		return "", fmt.Errorf("--from %s/%s: the workload has no pod", source.Namespace, source.Workload)
	}
	return found, nil
}

// noResponse describes why a request got no response.
func noResponse(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("no response within %s", Timeout)
	}
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err
	}
	return fmt.Errorf("no response: %w", err)
}

// read returns the response with its body, as far as it is kept.
func (s *Sender) read(r *http.Response) (*Response, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	if err != nil {
		return nil, err
	}
	out := &Response{Status: r.StatusCode, Text: r.Status, Headers: []Header{}, Near: []string{}, By: r.Header.Get("X-Served-By")}
	if len(body) > MaxBody {
		body, out.Cut = body[:MaxBody], true
	}
	if utf8.Valid(body) {
		out.Body = string(body)
	} else {
		out.Binary = body
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			out.Headers = append(out.Headers, Header{name, value})
		}
	}
	if out.By == "" {
		out.By, out.Mesh = responder(r, out.Body)
	}
	return out, nil
}

// responder returns who sent a response that does not name its sender, and whether that is the mesh. The caller's proxy adds the upstream's
// service time to each response of an upstream. The body is the one of Envoy's filter for AuthorizationPolicies.
func responder(r *http.Response, body string) (by string, mesh bool) {
	switch {
	case r.Header.Get("X-Envoy-Upstream-Service-Time") == "":
		return "the mesh", true
	case r.StatusCode == http.StatusForbidden && body == "RBAC: access denied":
		return "the destination's sidecar", true
	}
	return "an upstream", false
}

// root is the span of the sender, the root of the request's trace, unless the request continues a trace of its own.
type root struct {
	own       bool
	trace, id string
	begun     time.Time
}

// newRoot starts a trace for a request, and names it in the request's headers.
func newRoot(r *http.Request) root {
	out := root{begun: time.Now()}
	for _, name := range []string{"X-B3-Traceid", "X-B3-Sampled", "X-B3-Flags", "B3", "Traceparent"} {
		if r.Header.Get(name) != "" {
			return out
		}
	}
	out.own, out.trace, out.id = true, hexID(16), hexID(8)
	r.Header.Set("X-B3-Traceid", out.trace)
	r.Header.Set("X-B3-Spanid", out.id)
	r.Header.Set("X-B3-Sampled", "1")
	return out
}

// hexID returns n random bytes in hexadecimal.
func hexID(n int) string {
	id := make([]byte, n)
	rand.Read(id) // never fails
	return hex.EncodeToString(id)
}

func (r *root) span(request *http.Request, status int, sender string) *zipkin.Span {
	tags := map[string]string{"http.method": request.Method, "http.url": request.URL.String(), "http.status_code": fmt.Sprint(status), "sent.as": sender}
	if status >= 500 {
		tags["error"] = "true"
	}
	return &zipkin.Span{TraceID: r.trace, ID: r.id, Kind: zipkin.Client, Name: "send", Timestamp: r.begun.UnixMicro(), Duration: max(1, time.Since(r.begun).Microseconds()),
		LocalEndpoint: &zipkin.Endpoint{ServiceName: "hopline"}, Tags: zipkin.TagsOf(tags)}
}
