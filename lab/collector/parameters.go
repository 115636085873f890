package collector

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// parameters holds the values of a request's query and path.
type parameters struct {
	values  url.Values
	request *http.Request
}

func parametersOf(r *http.Request) (parameters, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	return parameters{values, r}, err
}

// path returns a part of the path by its name in the route.
func (p parameters) path(name string) string { return p.request.PathValue(name) }

// get returns a parameter's first value, or "".
func (p parameters) get(name string) string { return p.values.Get(name) }

// required returns a parameter that must be present, but may be empty.
func (p parameters) required(name string) (string, error) {
	if !p.values.Has(name) {
		return "", fmt.Errorf("%s is missing", name)
	}
	return p.get(name), nil
}

// positive reads a number greater than zero; it returns 0 if the number is absent or empty.
func (p parameters) positive(name string) (int64, error) {
	text := p.get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: want a whole number, got %.40q", name, text)
	}
	if n <= 0 {
		return 0, fmt.Errorf("%s <= 0", name)
	}
	return n, nil
}
