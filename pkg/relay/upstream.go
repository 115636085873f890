package relay

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/hopline/hopline/pkg/answer"
	"github.com/hopline/hopline/pkg/body"
	"github.com/hopline/hopline/pkg/config"
	"github.com/hopline/hopline/pkg/header"
)

// Upstream is a service that this one calls. Client.Upstream makes one.
type Upstream struct {
	client *Client
	url    config.URL
	label  string // in metrics and messages
}

// URL returns the upstream's address with path added to its own. path begins with a slash and may have a query. With an empty path it is
// the configured address.
func (u *Upstream) URL(path string) string {
	if path == "" {
		return u.url.String()
	}
	path, query, _ := strings.Cut(path, "?")
	return u.target(path, query).String()
}

// target adds an escaped path to the upstream's address.
func (u *Upstream) target(path, query string) *url.URL {
	base := u.url.URL
	if base.Path == "" {
		base.Path = "/" // without it JoinPath makes a relative path
	}
	target := base.JoinPath(path)
	target.RawQuery = query
	return target
}

// Get requests path from the upstream with the forwarded headers and the trace of ctx, which belongs to a request that passed the server's
// middleware. header is a list of further names and values, such as "Accept", "text/plain". The caller closes the body, and passes the
// response's x-fault-injected and server-timing up with PassUp. A response of 4xx or 5xx is not an error. An error is an *Error, which Fail
// turns into 502 or 504.
func (u *Upstream) Get(ctx context.Context, path string, header ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.URL(path), nil)
	if err != nil {
		return nil, &Error{Upstream: u.label, URL: u.URL(path), err: err}
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return u.client.Do(req, u.label)
}

// Pass handles a request by sending method, path, query and body to the same path of the upstream. It streams the response back.
func (u *Upstream) Pass(w http.ResponseWriter, r *http.Request) {
	resp, err := u.relay(r)
	if err != nil {
		u.Fail(w, r, err)
		return
	}
	defer resp.Body.Close()
	u.Copy(w, r, resp)
}

// relay sends the caller's request to the upstream. Of its headers it keeps those that describe the body or what the caller accepts.
func (u *Upstream) relay(r *http.Request) (*http.Response, error) {
	target := u.target(r.URL.EscapedPath(), r.URL.RawQuery)
	req := &http.Request{
		Method: r.Method, URL: target, Host: target.Host, Header: make(http.Header, 12),
		Body: r.Body, ContentLength: r.ContentLength,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if r.ContentLength == 0 {
		req.Body = nil
	}
	for _, name := range requestHeaders {
		if values := r.Header[name]; values != nil {
			req.Header[name] = values
		}
	}
	return u.client.Do(req.WithContext(r.Context()), u.label)
}

// Headers that a hop passes on besides the forwarded ones. All others belong to one connection or to one hop.
var (
	requestHeaders  = [...]string{"Accept", "Accept-Encoding", "Accept-Language", "Content-Type", "Content-Encoding", "Range", "User-Agent"}
	responseHeaders = [...]string{"Accept-Ranges", "Allow", "Cache-Control", "Content-Encoding", "Content-Language", "Content-Length", "Content-Range",
		"Content-Type", "Etag", "Last-Modified", "Location", "Retry-After", "Vary"}
)

// Copy streams an upstream's response: status, the headers that describe it, and body. If the upstream closes the connection in the middle,
// Copy aborts this response too, so that the caller cannot take a part for the whole.
func (u *Upstream) Copy(w http.ResponseWriter, r *http.Request, resp *http.Response) {
	PassUp(w.Header(), resp.Header)
	for _, name := range responseHeaders {
		if values := resp.Header[name]; values != nil {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(resp.StatusCode)
	if err := stream(w, resp); err != nil {
		if r.Context().Err() == nil {
			u.client.tel.Log(r.Context()).Warn("the upstream aborted its response", zap.String("upstream", u.label), zap.Error(err))
		}
		panic(http.ErrAbortHandler)
	}
}

// stream copies a body, piece by piece as it arrives if its length is unknown.
func stream(w http.ResponseWriter, resp *http.Response) error {
	if resp.ContentLength >= 0 {
		_, err := io.Copy(w, resp.Body)
		return err
	}
	flusher := http.NewResponseController(w)
	buffer := make([]byte, 16<<10)
	for {
		n, err := resp.Body.Read(buffer)
		if n > 0 {
			if _, err := w.Write(buffer[:n]); err != nil {
				return err
			}
			_ = flusher.Flush() // a writer that cannot flush sends it with the rest
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// Fail responds for a call that failed: 504 after a timeout, 413 or 408 if the caller's own body was too long or too slow, else 502. The
// body is a line that names this hop, the upstream and the reason. It sends nothing to a caller that has disconnected.
func (u *Upstream) Fail(w http.ResponseWriter, r *http.Request, err error) {
	if late := body.Late(r.Context()); late != nil {
		answer.Text(w, http.StatusRequestTimeout, late.Error())
		return
	}
	if r.Context().Err() != nil && !errors.Is(r.Context().Err(), context.DeadlineExceeded) {
		return
	}
	code, line := u.failure(err)
	u.warn(r, err)
	answer.Text(w, code, line)
}

func (u *Upstream) warn(r *http.Request, err error) {
	u.client.tel.Log(r.Context()).Warn("no response from the upstream", zap.String("upstream", u.label), zap.Error(err))
}

// failure returns the status and the line for err.
func (u *Upstream) failure(err error) (code int, line string) {
	var tooLong *http.MaxBytesError
	var call *Error
	switch {
	case errors.As(err, &tooLong):
		return http.StatusRequestEntityTooLarge, "body is longer than " + strconv.FormatInt(tooLong.Limit, 10) + " bytes"
	case errors.As(err, &call):
		return call.Code(), u.client.tel.Identity.Name() + ": " + call.Error()
	default:
		return http.StatusBadGateway, u.client.tel.Identity.Name() + ": " + u.url.String() + ": " + err.Error()
	}
}

// longestTiming limits the length of the server-timing value that is passed up.
const longestTiming = 2048

// PassUp copies from an upstream's response to this service's what it reports about all hops behind: the injected faults and the timing.
func PassUp(to, from http.Header) {
	for _, injected := range from[header.Injected] {
		to.Add(header.Injected, injected)
	}
	if timing := strings.Join(from[header.Timing], ", "); timing != "" && len(timing) <= longestTiming {
		to.Set(header.Timing, timing)
	}
}

// traceID returns the trace id of ctx, or an empty string.
func traceID(ctx context.Context) string {
	if sc := trace.SpanContextFromContext(ctx); sc.HasTraceID() {
		return sc.TraceID().String()
	}
	return ""
}
