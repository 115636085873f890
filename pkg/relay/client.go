// Package relay calls the next hop: it forwards the headers that belong to the request, joins the trace, writes hop lines, and turns a
// failure of an upstream into a response that names it.
package relay

import (
	"cmp"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/net/http/httpproxy"

	"github.com/hopline/hopline/pkg/config"
	"github.com/hopline/hopline/pkg/telemetry"
)

// Client makes calls with traces and metrics, and never retries. One serves a whole process.
type Client struct {
	tel     *telemetry.Telemetry
	metrics *metrics
	options Options
	http    *http.Client
	counted http.RoundTripper // http with metrics around each call, redirects included
}

// Options are the settings of a client. The zero value is a service's usual client.
type Options struct {
	Env []string // HTTP_PROXY and NO_PROXY, in upper or lower case, are read from here

	// Timeout limits how long an upstream may take to begin its response, and how long each further read may take; 0 means DefaultTimeout.
	Timeout time.Duration

	// Guard is called before each connection that does not go to the proxy: host is the name as it was called, address what it resolved to,
	// with the port. An error rejects the connection.
	Guard func(host, address string) error

	// CheckRedirect is as in http.Client; without it redirects are passed on, not followed.
	CheckRedirect func(req *http.Request, via []*http.Request) error
}

// DefaultTimeout is longer than the slow page with the longest latency that a header can set, and ends a call to an upstream that never
// responds.
const DefaultTimeout = 60 * time.Second

// idleConnections is the number of connections kept for reuse. Behind a proxy all upstreams share one pool: net/http's default of two would
// open a new connection for almost every request.
const idleConnections = 256

// NewClient returns a client whose metrics are in tel's registry. A registry can have only one.
func NewClient(tel *telemetry.Telemetry, o Options) *Client {
	return newClient(tel, newMetrics(tel.Registry), o)
}

// With returns a client with other options: same metrics, same environment, own connections.
func (c *Client) With(o Options) *Client {
	o.Env = c.options.Env
	return newClient(c.tel, c.metrics, o)
}

func newClient(tel *telemetry.Telemetry, m *metrics, o Options) *Client {
	o.Timeout = cmp.Or(o.Timeout, DefaultTimeout)
	if o.CheckRedirect == nil {
		o.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	proxy, proxyAddress := proxyFrom(o.Env)
	transport := &http.Transport{
		Proxy:                  proxy,
		DialContext:            dialer(o, proxyAddress),
		MaxIdleConnsPerHost:    idleConnections,
		IdleConnTimeout:        time.Minute, // shorter than any server's timeout in this suite, so that no call uses a connection that is being closed
		ResponseHeaderTimeout:  o.Timeout,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // what the upstream sends is passed on unchanged
	}
	client := &http.Client{CheckRedirect: o.CheckRedirect, Transport: onceOnly{transport}}
	return &Client{tel: tel, metrics: m, options: o, http: client, counted: m.instrument(promhttp.RoundTripperFunc(client.Do))}
}

// dialer connects, and calls the guard for every connection but those to the proxy.
func dialer(o Options, proxyAddress string) func(ctx context.Context, network, address string) (net.Conn, error) {
	plain := net.Dialer{Timeout: min(5*time.Second, o.Timeout), KeepAlive: 30 * time.Second}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if o.Guard == nil || address == proxyAddress {
			return plain.DialContext(ctx, network, address)
		}
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		guarded := plain
		guarded.Control = func(_, resolved string, _ syscall.RawConn) error { return o.Guard(host, resolved) }
		return guarded.DialContext(ctx, network, address)
	}
}

// Upstream returns the upstream at url. Its name in metrics is the host of url.
func (c *Client) Upstream(url config.URL) *Upstream {
	return &Upstream{client: c, url: url, label: url.Host}
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// CloseIdleConnections is called by http.Client on its transport.
func (t onceOnly) CloseIdleConnections() { t.transport.CloseIdleConnections() }

// proxyFrom reads the proxy from env, and its address in the form that a dialer gets. http.ProxyFromEnvironment reads the process's
// environment, once.
func proxyFrom(env []string) (choose func(*http.Request) (*url.URL, error), address string) {
	get := func(names ...string) string {
		for _, name := range names {
			if value, ok := config.Lookup(env, name); ok && value != "" {
				return value
			}
		}
		return ""
	}
	settings := httpproxy.Config{
		HTTPProxy: get("HTTP_PROXY", "http_proxy"),
		NoProxy:   get("NO_PROXY", "no_proxy"),
	}
	forURL := settings.ProxyFunc()
	proxy, err := forURL(&url.URL{Scheme: "http", Host: "any.example"})
	if settings.HTTPProxy == "" || err != nil || proxy == nil {
		proxy = &url.URL{}
	}
	return func(r *http.Request) (*url.URL, error) { return forURL(r.URL) }, net.JoinHostPort(proxy.Hostname(), cmp.Or(proxy.Port(), "80"))
}

// onceOnly keeps the transport from repeating a request when a reused connection breaks: retries are the mesh's task, and a dropped request
// must count as one. net/http repeats only what it can replay. It cannot replay a request that has a body and no GetBody, even if the body
// is empty.
type onceOnly struct{ transport *http.Transport }

// RoundTrip implements http.RoundTripper.
func (t onceOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	same := *r
	same.GetBody = nil
	if same.Body == nil || same.Body == http.NoBody {
		same.Body = once{}
	}
	return t.transport.RoundTrip(&same)
}

// once is an empty body that cannot be read a second time.
type once struct{}

func (once) Read([]byte) (int, error) { return 0, io.EOF }
func (once) Close() error             { return nil }
