package mesh

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	networking "istio.io/api/networking/v1alpha3"
)

// newHeaderOps compiles the header operations of a rule or a destination. If they write the authority, it is returned separately: "set" has
// precedence over "add".
// (https://istio.io/latest/docs/reference/config/networking/virtual-service/#Headers)
func newHeaderOps(h *networking.Headers) (ops HeaderOps, authority string, err error) {
	req, resp := h.GetRequest(), h.GetResponse()
	var fromSet, fromAdd string
	if ops.RequestSet, fromSet, err = headerList(req.GetSet()); err != nil {
		return ops, "", fmt.Errorf("request.set: %w", err)
	}
	if ops.RequestAdd, fromAdd, err = headerList(req.GetAdd()); err != nil {
		return ops, "", fmt.Errorf("request.add: %w", err)
	}
	if ops.ResponseSet, _, err = headerList(resp.GetSet()); err != nil {
		return ops, "", fmt.Errorf("response.set: %w", err)
	}
	if ops.ResponseAdd, _, err = headerList(resp.GetAdd()); err != nil {
		return ops, "", fmt.Errorf("response.add: %w", err)
	}
	ops.RequestRemove, ops.ResponseRemove = removals(req.GetRemove()), removals(resp.GetRemove())
	if fromSet != "" {
		return ops, fromSet, nil
	}
	return ops, fromAdd, nil
}

func headerList(m map[string]string) (list []Header, authority string, err error) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		value, err := headerValue(m[name])
		if err != nil {
			return nil, "", fmt.Errorf("%s: %w", name, err)
		}
		if istio.IsAuthority(name) {
			authority = value
		}
		if !istio.IsPseudo(name) {
			list = append(list, Header{Name: name, Value: value})
		}
	}
	return list, authority, nil
}

// headerValue unescapes percent signs. Any other percent sign begins an Envoy command operator, which the lab does not support.
// (https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#custom-request-response-headers)
func headerValue(value string) (string, error) {
	if strings.Contains(strings.ReplaceAll(value, "%%", ""), "%") {
		return "", fmt.Errorf("a command between percent signs, %q, is not supported by the lab: want %%%% for a percent sign", value)
	}
	return strings.ReplaceAll(value, "%%", "%"), nil
}

func removals(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), istio.IsPseudo)
}

// joinOps returns a followed by b, as Istio joins the operations of a rule with those of its only destination.
func joinOps(a, b HeaderOps) HeaderOps {
	return HeaderOps{
		RequestSet:     slices.Concat(a.RequestSet, b.RequestSet),
		RequestAdd:     slices.Concat(a.RequestAdd, b.RequestAdd),
		RequestRemove:  slices.Concat(a.RequestRemove, b.RequestRemove),
		ResponseSet:    slices.Concat(a.ResponseSet, b.ResponseSet),
		ResponseAdd:    slices.Concat(a.ResponseAdd, b.ResponseAdd),
		ResponseRemove: slices.Concat(a.ResponseRemove, b.ResponseRemove),
	}
}

// ApplyToRequest changes the headers of a request.
func (o *HeaderOps) ApplyToRequest(h http.Header) {
	apply(h, o.RequestRemove, o.RequestSet, o.RequestAdd)
}

// ApplyToResponse changes the headers of a response.
func (o *HeaderOps) ApplyToResponse(h http.Header) {
	apply(h, o.ResponseRemove, o.ResponseSet, o.ResponseAdd)
}

func apply(h http.Header, remove []string, set, add []Header) {
	for _, name := range remove {
		h.Del(name)
	}
	for _, f := range set {
		h.Set(f.Name, f.Value)
	}
	for _, f := range add {
		h.Add(f.Name, f.Value)
	}
}

// changeRequest returns the headers of a request after the changes. It does not change h.
func (o *HeaderOps) changeRequest(h http.Header) http.Header {
	if len(o.RequestRemove)+len(o.RequestSet)+len(o.RequestAdd) == 0 {
		return h
	}
	out := http.Header{}
	for name, values := range h {
		out[name] = slices.Clone(values)
	}
	o.ApplyToRequest(out)
	return out
}
