// Package relay calls the next hop: it forwards the headers that belong to the request, joins the trace, tells hop lines, and turns an
// upstream's trouble into an answer that names it.
package relay

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"golang.org/x/net/http/httpproxy"

	"github.com/hopline/hopline/pkg/config"
	"github.com/hopline/hopline/pkg/telemetry"
)

// Client makes calls that are traced, counted and never retried. One serves a whole process.
type Client struct {
	tel     *telemetry.Telemetry
	metrics *metrics
	http    *http.Client
}

// Options are what a caller may want otherwise. The zero value is a service's usual client.
type Options struct {
	Env []string // HTTP_PROXY and NO_PROXY, in either case, are read from here

	// Timeout is how long an upstream may take to begin its answer; 0 is DefaultTimeout.
	Timeout time.Duration

	// Control is asked before each connection, with the address after the name was resolved; see net.Dialer.
	Control func(network, address string, c syscall.RawConn) error

	// CheckRedirect as in http.Client; without it redirects are passed on instead of followed.
	CheckRedirect func(req *http.Request, via []*http.Request) error
}

// DefaultTimeout is longer than the slow page with the longest latency a header can ask for, and ends a call to an upstream that
// never answers.
const DefaultTimeout = 60 * time.Second

// idleConnections is how many connections are kept for reuse. Behind a proxy all upstreams share one pool, for which net/http's default of two
// would mean a new connection for almost every request.
const idleConnections = 256

// NewClient makes a client whose metrics go to tel's registry.
func NewClient(tel *telemetry.Telemetry, o Options) *Client {
	timeout := o.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	redirect := o.CheckRedirect
	if redirect == nil {
		redirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	dialer := &net.Dialer{Timeout: min(5*time.Second, timeout), KeepAlive: 30 * time.Second, Control: o.Control}
	return &Client{
		tel:     tel,
		metrics: newMetrics(tel.Registry),
		http: &http.Client{
			CheckRedirect: redirect,
			Transport: &http.Transport{
				Proxy:                  proxyFrom(o.Env),
				DialContext:            dialer.DialContext,
				MaxIdleConnsPerHost:    idleConnections,
				IdleConnTimeout:        time.Minute, // shorter than any server's here, so that no call meets a connection being closed
				ResponseHeaderTimeout:  timeout,
				MaxResponseHeaderBytes: 64 << 10,
				DisableCompression:     true, // what the upstream sends is passed on as it is
			},
		},
	}
}

// Upstream is the service at url. Its name in metrics is the host of url.
func (c *Client) Upstream(url config.URL) *Upstream {
	return &Upstream{client: c, url: url, label: url.Host}
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// proxyFrom reads the proxy's address from env. http.ProxyFromEnvironment would read the process, once.
func proxyFrom(env []string) func(*http.Request) (*url.URL, error) {
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
	if settings.HTTPProxy == "" {
		return nil
	}
	choose := settings.ProxyFunc()
	return func(r *http.Request) (*url.URL, error) { return choose(r.URL) }
}

// once is an empty body that net/http cannot send twice. A request that has a body and no GetBody is not replayable, and that is what
// keeps the transport from repeating a GET by itself when a reused connection dies under it: retries are the mesh's, and a dropped request
// must count as one.
type once struct{}

func (once) Read([]byte) (int, error) { return 0, io.EOF }
func (once) Close() error             { return nil }
