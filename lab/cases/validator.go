package cases

import (
	"cmp"
	"fmt"
	"math"

	"github.com/hopline/hopline/lab/internal/yamltext"
	"github.com/hopline/hopline/lab/rules"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// The format of istio-config-validator: each test case holds lists of authorities, methods and URIs, which are multiplied out, and a
// destination, redirect or rewrite that the request must meet, or with wantMatch: false must not meet. It names no caller.
// (https://github.com/getyourguide/istio-config-validator/blob/main/docs/test-cases.md)

// validatorCases decodes a list of test cases.
func (d *decoder) validatorCases(list *kyaml.Node) {
	if list.Kind != kyaml.SequenceNode {
		d.problem(list, "want a list of test cases")
		return
	}
	for _, entry := range list.Content {
		d.keys(entry, "description", "wantMatch", "request", "route", "redirect", "rewrite")
		request := yamltext.Child(entry, "request")
		if request == nil {
			d.problem(entry, "want a request")
			continue
		}
		d.keys(request, "authority", "method", "uri", "headers")
		base := Case{File: d.file.Path, Line: entry.Line, AtHost: true, Not: yamltext.Scalar(yamltext.Child(entry, "wantMatch")) == "false"}
		base.Expect = d.validatorExpect(entry)
		for _, authority := range d.texts(request, "authority", "") {
			for _, method := range d.texts(request, "method", "GET") {
				for _, uri := range d.texts(request, "uri", "/") {
					c := base
					c.Question = rules.Question{Method: method, URL: "http://" + authority + uri}
					if headers := yamltext.Child(request, "headers"); headers != nil {
						c.Question.Headers = d.headers(headers)
					}
					c.Name = fmt.Sprintf("%s: %s %s%s", yamltext.Scalar(yamltext.Child(entry, "description")), method, authority, uri)
					d.file.Cases = append(d.file.Cases, &c)
				}
			}
		}
	}
}

// texts returns the list of a key, or only the default if there is no such key.
func (d *decoder) texts(node *kyaml.Node, key, otherwise string) (list []string) {
	found := yamltext.Child(node, key)
	switch {
	case found == nil && otherwise == "":
		d.problem(node, "want %s", key)
		return nil
	case found == nil || len(found.Content) == 0:
		return []string{otherwise}
	}
	for _, n := range found.Content {
		list = append(list, d.text(n))
	}
	return list
}

// validatorExpect decodes the expectation of a test case.
func (d *decoder) validatorExpect(entry *kyaml.Node) (e Expect) {
	if route := yamltext.Child(entry, "route"); route != nil {
		e.To = d.validatorRoute(route)
	}
	if r := yamltext.Child(entry, "redirect"); r != nil {
		d.keys(r, "uri", "authority", "redirectCode", "scheme", "port")
		e.Location = redirectTo(yamltext.Scalar(yamltext.Child(r, "uri")), yamltext.Scalar(yamltext.Child(r, "authority")))
		if code := yamltext.Child(r, "redirectCode"); code != nil {
			e.Status = d.status(code)
		}
	}
	if r := yamltext.Child(entry, "rewrite"); r != nil {
		d.fields(r, set("uri", &e.Path, d.given), set("authority", &e.Authority, d.given))
	}
	if e.To == nil && e.Location == nil && e.Status == nil && e.Path == nil && e.Authority == nil {
		d.problem(entry, "want a route, a redirect or a rewrite")
	}
	return e
}

// redirectTo returns the location of a redirect, in which * replaces what the rule does not set.
func redirectTo(uri, authority string) *string {
	return new("*://" + cmp.Or(authority, "*") + cmp.Or(uri, "*"))
}

// validatorRoute decodes a list of destinations with weights, which are compared as shares.
func (d *decoder) validatorRoute(list *kyaml.Node) (targets []Target) {
	total := 0.0
	for _, entry := range list.Content {
		d.keys(entry, "destination", "weight", "headers")
		to := yamltext.Child(entry, "destination")
		if to == nil {
			d.problem(entry, "want a destination")
			continue
		}
		d.keys(to, "host", "port", "subset")
		t := Target{Name: yamltext.Scalar(yamltext.Child(to, "host"))}
		if number := yamltext.Scalar(yamltext.Child(yamltext.Child(to, "port"), "number")); number != "" {
			t.Name += ":" + number
		}
		t.Name += "/" + yamltext.Scalar(yamltext.Child(to, "subset")) // without a subset, none
		weight := 100.0
		if w := yamltext.Child(entry, "weight"); w != nil {
			weight = float64(*d.number(w))
		}
		t.Min, total = weight, total+weight
		targets = append(targets, t)
	}
	for i := range targets {
		if share := 100 * targets[i].Min / total; !math.IsNaN(share) {
			targets[i].Min, targets[i].Max = share, share
		}
	}
	return targets
}
