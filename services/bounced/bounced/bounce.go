package bounced

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/hopline/hopline/pkg/answer"
	"github.com/hopline/hopline/pkg/config"
	"github.com/hopline/hopline/pkg/relay"
	"github.com/hopline/hopline/pkg/telemetry"
)

// bouncer calls an endpoint on request.
type bouncer struct {
	client   *relay.Client
	allowed  allowList
	identity telemetry.Identity
	timeout  time.Duration
}

// order is the body of POST /bounce. Pointers distinguish a missing field from an empty one.
type order struct {
	Rebound  *string `json:"rebound"`
	Endpoint *string `json:"endpoint"`
}

// post handles POST /bounce.
func (b bouncer) post(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	body, ok := readBody(w, r)
	if !ok {
		return
	}
	wanted, err := parseOrder(body)
	if err != nil {
		answer.JSON(w, http.StatusBadRequest, problem{err.Error()})
		return
	}
	if *wanted.Rebound != "true" {
		w.WriteHeader(http.StatusOK)
		return
	}
	resp, code, err := b.call(r, *wanted.Endpoint) //nolint:bodyclose // call has closed it
	switch {
	case r.Context().Err() != nil: // the caller has disconnected
	case err != nil:
		answer.JSON(w, code, problem{err.Error()})
	default:
		relay.PassUp(w.Header(), resp.Header)
		answer.JSON(w, http.StatusOK, newDocument(b.identity, r, began, resp.StatusCode, resp.Header, statusText(resp)))
	}
}

// problem is the JSON of an error response.
type problem struct {
	Error string `json:"error"`
}

// parseOrder parses the body, whatever its Content-Type. Its error names the expected value.
func parseOrder(body string) (order, error) {
	var o order
	decoder := json.NewDecoder(strings.NewReader(body))
	err := decoder.Decode(&o)
	if err == nil {
		if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("unexpected data after the JSON object")
		}
	}
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return o, fmt.Errorf("%s: want a string, got %s", wrongType.Field, wrongType.Value)
	case err != nil:
		return o, fmt.Errorf(`want JSON such as {"rebound":"true","endpoint":"http://bounced:9090"}: %w`, err)
	case o.Rebound == nil:
		return o, errors.New(`rebound: want "true", got nothing`)
	case o.Endpoint == nil:
		return o, errors.New("endpoint: want a URL such as http://bounced:9090, got nothing")
	}
	return o, nil
}

// call sends a GET to the endpoint; on an error code is the status of the response. It does not read the body.
func (b bouncer) call(r *http.Request, endpoint string) (resp *http.Response, code int, err error) {
	target, err := config.ParseURL(endpoint)
	if err != nil {
		return nil, http.StatusBadRequest, fmt.Errorf("endpoint: want %w, got %q", err, endpoint)
	}
	match, ok := b.allowed.match(&target.URL)
	if !ok {
		return nil, http.StatusForbidden, fmt.Errorf("endpoint: BOUNCE_ALLOW=%s does not allow %q", b.allowed, target.Host)
	}
	ctx, cancel := context.WithTimeout(r.Context(), b.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, http.StatusBadRequest, fmt.Errorf("endpoint: %w", err)
	}
	resp, err = b.client.Do(req, match.text)
	if err != nil {
		return nil, codeOf(err), fmt.Errorf("%s: %w", b.identity.Name(), err)
	}
	resp.Body.Close()
	return resp, 0, nil
}

// codeOf returns 403 for an address that the guard rejected, else 504 or 502.
func codeOf(err error) int {
	var failed *relay.Error
	switch {
	case errors.Is(err, errAddress):
		return http.StatusForbidden
	case errors.As(err, &failed):
		return failed.Code()
	default:
		return http.StatusBadGateway
	}
}

// statusText returns "200 OK", also if the endpoint sent no reason phrase.
func statusText(resp *http.Response) string {
	if text := http.StatusText(resp.StatusCode); text != "" {
		return fmt.Sprintf("%d %s", resp.StatusCode, text)
	}
	return resp.Status
}
