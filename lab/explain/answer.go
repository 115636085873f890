package explain

import (
	"fmt"
	"io"
	"strings"

	"github.com/hopline/hopline/lab/gatewayapi"
	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/tty"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/rules"
)

// Answer holds an explanation and the sources of its facts.
type Answer struct {
	mesh.Explanation
	Rules     string // which rules they are
	Of        *rules.Rules
	Endpoints string // whose endpoints they are; empty without destinations
	// Conditions holds the status of all Gateways and HTTPRoutes of the Gateway API, if requested; otherwise nil.
	Conditions []gatewayapi.Condition
}

// Ask answers a question. why is a line that names where the rules come from; lab is the lab that runs them, nil for none. The error is that
// of rules.Rules.Ask.
func Ask(q *rules.Question, of *rules.Rules, why string, lab *current.Lab) (*Answer, error) {
	explained, err := of.Ask(q)
	if err != nil {
		return nil, err
	}
	a := &Answer{Explanation: explained.Explanation, Rules: why, Of: of}
	a.endpoints(lab, explained.Source)
	if q.From == "" && q.Caller == nil && a.Outcome == mesh.NoRoute {
		a.Near = append(a.Near, "the request enters at the ingress gateway; --from WORKLOAD sends the request from inside the mesh")
	}
	return a, nil
}

// Text returns the answer as hopline explain prints it.
func (a *Answer) Text() string {
	text := strings.Join(append([]string{a.Rules}, a.Of.Lines()...), "\n") + "\n" + a.Explanation.String()
	if a.Endpoints != "" {
		text += a.Endpoints + "\n"
	}
	for _, c := range a.Conditions {
		text += c.String() + "\n"
	}
	if a.Conditions != nil && len(a.Conditions) == 0 {
		text += "no Gateway and no HTTPRoute of the Gateway API, so no conditions\n"
	}
	return text
}

// Document is the answer as JSON. No list is null.
type Document struct {
	Rules        string        `json:"rules"`        // which rules the answer uses
	LeftOut      string        `json:"left_out"`     // what was left out of the files, because it does not affect routing
	NotComputed  []string      `json:"not_computed"` // what affects some requests, but not this one
	Assumed      []string      `json:"assumed"`      // what was assumed
	Request      string        `json:"request"`      // "GET middle:80/hops"
	Caller       string        `json:"caller"`
	Status       int           `json:"status"`       // the mesh's own response; 0: the request is routed
	Host         string        `json:"host"`         // whose rules were consulted: an object, or at a gateway the host
	Passed       []judgement   `json:"passed"`       // the rules that do not match the request, in order
	Taken        *judgement    `json:"taken"`        // the rule that does
	Destinations []destination `json:"destinations"` //
	Path         string        `json:"path"`         // as the destinations get it, if a rule rewrites it
	Location     string        `json:"location"`     // of a redirect
	Refusal      string        `json:"refusal"`      // why the gateway responds with 403
	Missing      string        `json:"missing"`      // why no rules were consulted, inside the mesh
	Effects      []string      `json:"effects"`      // what else the rule does: "timeout 2s"
	Near         []string      `json:"near"`         // what nearly matches the request, and why it does not
	Endpoints    string        `json:"endpoints"`    // the source of the endpoints

	Conditions []gatewayapi.Condition `json:"conditions,omitzero"` // of all Gateways and HTTPRoutes; only with --conditions
}

type judgement struct {
	Object  string `json:"object"`
	Through string `json:"through"` // the VirtualService that delegates to the object
	Rule    string `json:"rule"`
	Place   string `json:"place"`
	Match   string `json:"match"`
	Why     string `json:"why"` // why it does not match the request
}

type destination struct {
	Percent   float64  `json:"percent"`
	Host      string   `json:"host"`
	Port      int      `json:"port"`
	Subset    string   `json:"subset"`
	Endpoints []string `json:"endpoints"`
	Refusals  []string `json:"refusals"` // who responds with 403, and why
}

// Document returns the answer as JSON has it.
func (a *Answer) Document() Document {
	d := Document{Rules: a.Rules, LeftOut: a.Of.LeftOut, NotComputed: append([]string{}, a.Of.NotComputed...), Assumed: append([]string{}, a.Of.Assumed...), Request: a.Request, Caller: a.Caller, Status: a.Status(), Host: a.Host, Passed: []judgement{},
		Destinations: []destination{}, Path: a.Path, Location: a.To, Refusal: a.Refusal, Missing: a.Missing, Effects: append([]string{}, a.Effects()...), Near: append([]string{}, a.Near...), Endpoints: a.Endpoints, Conditions: a.Conditions}
	for _, j := range a.Passed {
		d.Passed = append(d.Passed, judgement(j))
	}
	if a.Taken != nil {
		taken := judgement(*a.Taken)
		d.Taken = &taken
	}
	for _, s := range a.Shares {
		to := destination{Percent: s.Percent, Host: s.Cluster.Host, Port: s.Cluster.Port, Subset: s.Cluster.Subset, Endpoints: []string{}, Refusals: append([]string{}, s.Refusals...)}
		for _, e := range s.Endpoints {
			to.Endpoints = append(to.Endpoints, e.Text)
		}
		d.Destinations = append(d.Destinations, to)
	}
	return d
}

func (a *Answer) writeJSON(out io.Writer) error {
	if err := tty.WriteJSON(out, a.Document()); err != nil {
		return fmt.Errorf("writing the explanation: %w", err)
	}
	return nil
}
