package rules

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/urlpath"
)

// Header is one header of a request.
type Header struct{ Name, Value string }

// ParseHeader parses "name: value". The error states what a request cannot have.
func ParseHeader(text string) (Header, error) {
	name, value, ok := strings.Cut(text, ":")
	if name = strings.TrimSpace(name); !ok || name == "" {
		return Header{}, fmt.Errorf("header %q: want 'name: value'", text)
	}
	value = strings.TrimSpace(value)
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		return Header{}, fmt.Errorf("header %q: want a name of letters, digits and hyphens", name)
	case !httpguts.ValidHeaderFieldValue(value):
		return Header{}, fmt.Errorf("header %s: want a value without control characters, got %q", name, value)
	}
	return Header{Name: name, Value: value}, nil
}

// request returns the request of a question from a caller.
func (r *Rules) request(q *Question, from *mesh.Source) (*mesh.Request, error) {
	if !httpguts.ValidHeaderFieldName(q.Method) { // both are tokens (RFC 9110, 9.1)
		return nil, fmt.Errorf("method %q: want one such as GET", q.Method)
	}
	u, err := q.Address()
	if err != nil {
		return nil, err
	}
	port, err := r.port(u, from)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "http" && !(from.Gateway && (r.Overlay.Lenient || slices.Contains(r.Table.GatewayPorts(from), port))) {
		return nil, q.wantAddress()
	}
	path, ok := urlpath.Normalize(u.RequestURI())
	if !ok {
		return nil, fmt.Errorf("URL %q: Istio responds to such a path with 400", q.URL)
	}
	out := &mesh.Request{Method: strings.ToUpper(q.Method), Authority: u.Host, Path: path, Scheme: u.Scheme, Port: port, Header: http.Header{}}
	for _, h := range q.Headers {
		if strings.EqualFold(h.Name, "Host") {
			out.Authority = h.Value
			continue
		}
		out.Header.Add(h.Name, h.Value)
	}
	return out, nil
}

// Address returns the URL of a question, which may lack the scheme: then it is http. It has a host, and the scheme http or https.
func (q *Question) Address() (*url.URL, error) {
	address := q.URL
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, q.wantAddress()
	}
	return u, nil
}

func (q *Question) wantAddress() error {
	return fmt.Errorf("URL %q: want one such as http://middle/hops", q.URL)
}

// port returns the port that a request arrives at. A gateway is reached at its port 80, or 443 by https, whatever port of this machine is
// forwarded to it, unless a Gateway has a server on exactly the port of the URL.
func (r *Rules) port(u *url.URL, from *mesh.Source) (int, error) {
	number, usual := 0, 80
	if u.Scheme == "https" {
		usual = 443
	}
	if text := u.Port(); text != "" {
		var err error
		if number, err = strconv.Atoi(text); err != nil || number > 65535 {
			return 0, fmt.Errorf("URL %q: want a port from 1 to 65535, got %q", u, text)
		}
	}
	if number == 0 || from.Gateway && !slices.Contains(r.Table.GatewayPorts(from), number) {
		return usual, nil
	}
	return number, nil
}

// Ports returns the port that the URL names, if any: a host that is assumed to exist has it.
func (q *Question) Ports() []int {
	u, err := q.Address()
	if err != nil {
		return nil
	}
	if n, err := strconv.Atoi(u.Port()); err == nil && n > 0 && n <= 65535 {
		return []int{n}
	}
	return nil
}
