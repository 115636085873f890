// Package relay calls the next hop: it forwards the headers that belong to the demo, joins the trace, tells hop lines,
// and turns an upstream's trouble into an answer that names it.
package relay

import (
	"context"
	"net/http"

	"github.com/hopline/hopline/pkg/config"
	"github.com/hopline/hopline/pkg/telemetry"
)

// Upstream is a service that this one calls. Use Client.Upstream to make one.
type Upstream struct {
	client *Client
	url    config.URL
}

// Client makes calls that are traced, counted and never retried. One serves a whole process.
type Client struct {
	tel *telemetry.Telemetry
}

// Upstream is the service at url; requests add their path to the url's.
func (c *Client) Upstream(url config.URL) *Upstream { return &Upstream{client: c, url: url} }

// Get asks the upstream for path ("/slow-endpoint?x=y") with the forwarded headers and the trace of ctx, which must
// come from a request that passed the server's middleware. Only Accept, a list of header names and values, is of the caller.
// The caller closes the body, and passes the answer's x-fault-injected up with PassFaults. An answer of 4xx or 5xx is no error;
// an error is an *Error that Fail turns into 502 or 504.
func (u *Upstream) Get(ctx context.Context, path string, header ...string) (*http.Response, error) {
	return nil, nil
}

// Pass is a handler that relays the request's method, path, query and body to the same path of the upstream, and streams its answer back.
func (u *Upstream) Pass(w http.ResponseWriter, r *http.Request) {}

// Hops is the handler of GET /hops: asks the upstream for /hops and puts its own line first.
func (u *Upstream) Hops(w http.ResponseWriter, r *http.Request) {}

// Copy streams an upstream's answer: status, headers but hop-by-hop ones, and body.
func (u *Upstream) Copy(w http.ResponseWriter, r *http.Request, resp *http.Response) {}

// Fail answers 504 when err is a time-out and 502 otherwise, with a line that names this hop, the upstream and the reason.
func (u *Upstream) Fail(w http.ResponseWriter, r *http.Request, err error) {}

// PassFaults copies x-fault-injected from an upstream's answer to this one's, so that every hop shows it.
func PassFaults(to, from http.Header) {}
