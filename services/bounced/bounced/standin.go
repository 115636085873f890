package bounced

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hopline/hopline/pkg/answer"
	"github.com/hopline/hopline/pkg/config"
	"github.com/hopline/hopline/pkg/header"
	"github.com/hopline/hopline/pkg/relay"
	"github.com/hopline/hopline/pkg/telemetry"
)

// standIn stands in for another program: it responds to every method and path with its identity, after it has called its upstreams.
type standIn struct {
	client    *relay.Client
	identity  telemetry.Identity
	upstreams []config.URL
	timeout   time.Duration // for each upstream
}

// played is the JSON of a stand-in's response.
type played struct {
	Service   string   `json:"service"`
	Version   string   `json:"version"`
	Host      string   `json:"host"`
	Method    string   `json:"method"`
	URI       string   `json:"uri"`
	Upstreams []called `json:"upstreams,omitempty"`
}

// called is the result of a call to an upstream.
type called struct {
	URL      string          `json:"url"`
	Status   int             `json:"status,omitempty"`
	Error    string          `json:"error,omitempty"`    // why there is no response
	Response json.RawMessage `json:"response,omitempty"` // if it is JSON of at most longestResponse bytes
}

// longestResponse limits the part of an upstream's response that is read, in bytes.
const longestResponse = 64 << 10

// ServeHTTP responds with 200, or with 502 or 504 if an upstream failed. It responds with 508 to a request that it has already passed on:
// the upstreams of stand-ins may call each other in a circle.
func (s standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, ok := readBody(w, r); !ok { // the body has no meaning here, but the connection can be reused only after it is read
		return
	}
	through := r.Header.Values(header.Through)
	if len(s.upstreams) > 0 && slices.Contains(through, s.identity.Name()) {
		answer.Text(w, http.StatusLoopDetected, fmt.Sprintf("%s: the upstreams of stand-ins call each other in a circle: %s, %s",
			s.identity.Name(), strings.Join(through, ", "), s.identity.Name()))
		return
	}
	response := played{Service: s.identity.Service, Version: s.identity.Version, Host: s.identity.Host, Method: r.Method, URI: r.RequestURI}
	code := http.StatusOK
	for _, upstream := range s.upstreams {
		one, failed := s.call(w, r, upstream)
		response.Upstreams = append(response.Upstreams, one)
		code = max(code, failed)
	}
	if r.Context().Err() == nil || errors.Is(r.Context().Err(), context.DeadlineExceeded) {
		answer.JSON(w, code, response)
	}
}

// call sends a GET to an upstream, with the headers of the request that describe the user. failed is 0, or the status that the failure gives
// the response.
func (s standIn) call(w http.ResponseWriter, r *http.Request, upstream config.URL) (one called, failed int) {
	one = called{URL: upstream.String()}
	ctx, cancel := context.WithTimeout(r.Context(), s.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, upstream.String(), nil)
	if err == nil {
		req.Header = passedOn(r.Header)
		req.Header.Add(header.Through, s.identity.Name())
		err = s.read(w, req, upstream, &one)
	}
	switch {
	case err != nil:
		one.Error = err.Error()
		return one, codeOf(err)
	case one.Status >= 500:
		return one, http.StatusBadGateway
	}
	return one, 0
}

// read sends a request to an upstream and reads its response.
func (s standIn) read(w http.ResponseWriter, req *http.Request, upstream config.URL, into *called) error {
	resp, err := s.client.Do(req, upstream.Host)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	relay.PassUp(w.Header(), resp.Header)
	into.Status = resp.StatusCode
	text, err := io.ReadAll(io.LimitReader(resp.Body, longestResponse+1))
	if err == nil && len(text) <= longestResponse && json.Valid(text) {
		into.Response = text
	}
	return err
}

// passedOn returns the headers of a request that a stand-in sends to its upstreams: all but those that belong to one connection, to the
// body, to the caller's cache, to the proxies on the way or to the trace. relay adds those of the trace.
func passedOn(from http.Header) http.Header {
	to := http.Header{}
	for name, values := range from {
		if !notPassedOn.MatchString(name) {
			to[name] = slices.Clip(values)
		}
	}
	for _, name := range strings.Split(strings.Join(from.Values("Connection"), ","), ",") {
		to.Del(strings.TrimSpace(name))
	}
	return to
}

// notPassedOn matches the names of headers that a stand-in does not send to its upstreams. The first line holds those of one connection
// (RFC 9110, section 7.6.1), the second those of the body, and of what the caller has cached or can decode.
var notPassedOn = regexp.MustCompile(`^(Connection|Keep-Alive|Proxy-.*|Te|Trailer|Transfer-Encoding|Upgrade` +
	`|Content-.*|Expect|If-.*|Range|Accept-Encoding` +
	`|Forwarded|X-Forwarded-.*|X-Real-Ip|X-Envoy-.*|Via` +
	`|Traceparent|Tracestate|B3|X-B3-.*)$`)
