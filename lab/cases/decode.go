package cases

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/internal/nearest"
	"github.com/hopline/hopline/lab/internal/yamltext"
	"github.com/hopline/hopline/lab/overlay"
	"github.com/hopline/hopline/lab/rules"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// ReadFile reads a file of cases: documents with the keys rules and tests, or testCases of istio-config-validator. The rules are relative to
// the file; without any they are its directory. The error is an *overlay.Report with all problems.
func ReadFile(path string) (*File, error) {
	d := &decoder{file: &File{Path: path}, report: new(overlay.Report)}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	decoder := kyaml.NewDecoder(bytes.NewReader(content))
	for {
		var doc kyaml.Node
		if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			d.report.Problems = append(d.report.Problems, overlay.Problem{File: path, Object: path, Reason: strings.TrimPrefix(err.Error(), "yaml: ")})
			break
		}
		if len(doc.Content) == 1 && doc.Content[0].Tag != "!!null" {
			d.document(doc.Content[0])
		}
	}
	if len(d.file.Rules) == 0 {
		d.file.Rules = []string{filepath.Dir(path)}
	}
	return d.file, d.report.Err()
}

// decoder decodes one file.
type decoder struct {
	file   *File
	report *overlay.Report
}

func (d *decoder) problem(at *kyaml.Node, format string, args ...any) {
	d.report.Problems = append(d.report.Problems, overlay.Problem{File: d.file.Path, Line: at.Line, Object: d.file.Path, Reason: fmt.Sprintf(format, args...)})
}

// keys reports the keys of a mapping that are not known, with the nearest one.
func (d *decoder) keys(node *kyaml.Node, known ...string) {
	if node.Kind != kyaml.MappingNode {
		d.problem(node, "want a mapping with %s", strings.Join(known, ", "))
		return
	}
	for key := range yamltext.Pairs(node) {
		if !slices.Contains(known, key.Value) {
			d.problem(key, "unknown key %s%s; there are %s", key.Value, nearest.DidYouMean(key.Value, known), strings.Join(known, ", "))
		}
	}
}

// field is a key of a mapping with what decodes its value.
type field struct {
	key    string
	decode func(value *kyaml.Node)
}

// set returns a field whose decoded value is stored.
func set[T any](key string, to *T, decode func(*kyaml.Node) T) field {
	return field{key, func(value *kyaml.Node) { *to = decode(value) }}
}

// fields decodes a mapping. It reports keys of no field.
func (d *decoder) fields(node *kyaml.Node, fields ...field) {
	var known []string
	for _, f := range fields {
		known = append(known, f.key)
	}
	d.keys(node, known...)
	for key, value := range yamltext.Pairs(node) {
		if at := slices.Index(known, key.Value); at >= 0 {
			fields[at].decode(value)
		}
	}
}

func (d *decoder) document(doc *kyaml.Node) {
	d.file.ofPromtool = d.file.ofPromtool || yamltext.Child(doc, "rule_files") != nil
	if list := yamltext.Child(doc, "testCases"); list != nil {
		d.keys(doc, "testCases", "rules")
		d.rules(yamltext.Child(doc, "rules"))
		d.validatorCases(list)
		return
	}
	d.keys(doc, "rules", "tests")
	d.rules(yamltext.Child(doc, "rules"))
	list := yamltext.Child(doc, "tests")
	if list == nil {
		d.problem(doc, "no tests: want a list")
		return
	}
	d.expand(list, nil, nil, "", func(entry, request, expect *kyaml.Node, name string) {
		c := &Case{Name: name, File: d.file.Path, Line: entry.Line}
		if request == nil || expect == nil {
			d.problem(entry, "want a request and what to expect: request: {from: WORKLOAD, get: URL}, expect: {…}")
			return
		}
		d.request(request, &c.Question)
		d.expect(expect, &c.Expect)
		if c.Name == "" {
			c.Name = unnamed(c.Question.Method, c.Question.URL, c.Question.From)
		}
		d.file.Cases = append(d.file.Cases, c)
	})
}

// rules reads the paths of the rules.
func (d *decoder) rules(list *kyaml.Node) {
	if list == nil {
		return
	}
	entries := list.Content
	if list.Kind == kyaml.ScalarNode {
		entries = []*kyaml.Node{list}
	}
	for _, entry := range entries {
		switch {
		case entry.Kind != kyaml.ScalarNode || entry.Value == "":
			d.problem(entry, "want a file or a directory")
		case filepath.IsAbs(entry.Value) || !rules.IsPath(entry.Value):
			d.file.Rules = append(d.file.Rules, entry.Value)
		default:
			d.file.Rules = append(d.file.Rules, filepath.Join(filepath.Dir(d.file.Path), entry.Value))
		}
	}
}

// request decodes the request of a case.
func (d *decoder) request(node *kyaml.Node, q *rules.Question) {
	d.keys(node, slices.Concat([]string{"from", "method", "url", "headers"}, methods)...)
	for name, value := range yamltext.Pairs(node) {
		switch key := name.Value; {
		case key == "from" && value.Kind == kyaml.MappingNode:
			q.Caller = d.caller(value)
		case key == "from":
			q.From = d.text(value)
		case key == "method":
			q.Method = d.text(value)
		case key == "url":
			q.URL = d.text(value)
		case methodOf(key) != "":
			q.Method, q.URL = methodOf(key), d.text(value)
		case key == "headers":
			q.Headers = d.headers(value)
		}
	}
	if q.Method == "" {
		q.Method = "GET"
	}
	if q.URL == "" {
		d.problem(node, "want the URL of the request: get: http://reviews:9080/")
	}
	if q.From == "gateway" {
		q.From = ""
	}
}

func (d *decoder) caller(node *kyaml.Node) *rules.Caller {
	c := &rules.Caller{Labels: map[string]string{}}
	d.fields(node,
		set("namespace", &c.Namespace, d.text),
		set("labels", &c.Labels, d.labels),
		set("serviceAccount", &c.ServiceAccount, d.text))
	if c.Namespace == "" {
		d.problem(node, "want the namespace of the caller")
	}
	return c
}

func (d *decoder) labels(node *kyaml.Node) map[string]string {
	labels := map[string]string{}
	for name, label := range yamltext.Pairs(node) {
		labels[name.Value] = d.text(label)
	}
	return labels
}

// headers decodes a mapping of names to a value or a list of values.
func (d *decoder) headers(node *kyaml.Node) (list []rules.Header) {
	if node.Kind != kyaml.MappingNode {
		d.problem(node, "want a mapping of names to values")
		return nil
	}
	for name, value := range yamltext.Pairs(node) {
		values := []*kyaml.Node{value}
		if value.Kind == kyaml.SequenceNode {
			values = value.Content
		}
		for _, v := range values {
			list = append(list, rules.Header{Name: name.Value, Value: d.text(v)})
		}
	}
	return list
}

// text returns a scalar as a string.
func (d *decoder) text(node *kyaml.Node) string {
	if node.Kind != kyaml.ScalarNode || node.Tag == "!!null" {
		d.problem(node, "want a string")
		return ""
	}
	return node.Value
}

// expect decodes the expectation of a case.
func (d *decoder) expect(node *kyaml.Node, e *Expect) {
	if node.Kind == kyaml.MappingNode && len(node.Content) == 0 {
		d.problem(node, "empty: want at least one expectation")
	}
	d.fields(node,
		set("rule", &e.Rule, d.given),
		set("to", &e.To, d.targets),
		set("status", &e.Status, d.status),
		set("path", &e.Path, d.given),
		set("authority", &e.Authority, d.given),
		set("location", &e.Location, d.given),
		set("headers", &e.Headers, d.optional),
		set("responseHeaders", &e.ResponseHeaders, d.optional),
		set("policy", &e.Policy, d.given),
		set("retries", &e.Retries, d.retries),
		set("timeout", &e.Timeout, d.duration),
		set("effects", &e.Effects, d.list))
}

// given decodes a text of an expectation that may be absent.
func (d *decoder) given(node *kyaml.Node) *string { return new(d.text(node)) }

// targets decodes "middle/canary", which gets all requests, or a mapping of destinations to shares.
func (d *decoder) targets(node *kyaml.Node) (list []Target) {
	if node.Kind == kyaml.ScalarNode {
		return []Target{{Name: d.text(node), Min: 100, Max: 100}}
	}
	if node.Kind != kyaml.MappingNode || len(node.Content) == 0 {
		d.problem(node, "want a destination, or destinations with shares: {middle/prod: 80%%, middle/canary: 10%%..30%%}")
		return nil
	}
	for name, share := range yamltext.Pairs(node) {
		low, high, err := parseRange(d.text(share))
		if err != nil {
			d.problem(share, "%v", err)
		}
		list = append(list, Target{Name: name.Value, Min: low, Max: high})
	}
	return list
}

// status decodes a status, or "routed" for none by the mesh itself.
func (d *decoder) status(node *kyaml.Node) *int {
	text := d.text(node)
	if text == "routed" {
		return new(int)
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 100 || n > 599 {
		d.problem(node, "want a status from 100 to 599, which the mesh itself responds with, or routed, got %q", text)
	}
	return &n
}

// optional decodes a mapping of names to texts or null.
func (d *decoder) optional(node *kyaml.Node) map[string]*string {
	out := map[string]*string{}
	if node.Kind != kyaml.MappingNode {
		d.problem(node, "want a mapping of names to values; null for an absent header")
		return nil
	}
	for name, value := range yamltext.Pairs(node) {
		if out[name.Value] = nil; value.Tag != "!!null" {
			out[name.Value] = new(d.text(value))
		}
	}
	return out
}

// retries decodes a number of attempts, or a mapping.
func (d *decoder) retries(node *kyaml.Node) *Retries {
	if node.Kind == kyaml.ScalarNode {
		return &Retries{Attempts: d.number(node)}
	}
	r := &Retries{}
	d.fields(node,
		set("attempts", &r.Attempts, d.number),
		set("perTryTimeout", &r.PerTry, d.duration),
		set("retryOn", &r.On, d.given))
	return r
}

func (d *decoder) number(node *kyaml.Node) *int {
	n, err := strconv.Atoi(d.text(node))
	if err != nil || n < 0 {
		d.problem(node, "want a number of retries, got %q", node.Value)
	}
	return &n
}

// list decodes a list of texts.
func (d *decoder) list(node *kyaml.Node) (list []string) {
	if node.Kind != kyaml.SequenceNode || len(node.Content) == 0 {
		d.problem(node, "want a list of texts")
	}
	for _, n := range node.Content {
		list = append(list, d.text(n))
	}
	return list
}

// duration decodes a duration, or "none" for 0.
func (d *decoder) duration(node *kyaml.Node) *time.Duration {
	text := d.text(node)
	if text == "none" {
		return new(time.Duration)
	}
	v, err := time.ParseDuration(text)
	if err != nil || v < 0 {
		d.problem(node, "want a duration such as 2s, or none, got %q", text)
	}
	return &v
}
