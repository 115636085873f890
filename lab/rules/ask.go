package rules

import (
	"fmt"
	"strings"

	"github.com/hopline/hopline/lab/mesh"
)

// Question describes a request whose outcome Ask computes.
type Question struct {
	From    string  // a workload, NAME or NAMESPACE/NAME; NAMESPACE/ for any other workload of a namespace; empty for the ingress gateway
	Caller  *Caller // the caller if it is not among the files; then From is empty
	Method  string
	URL     string
	Headers []Header
}

// Answer holds what happens to a request.
type Answer struct {
	mesh.Explanation
	Request *mesh.Request
	Source  *mesh.Source
}

// Refusal is the error for a question that cannot be answered, because something that is not computed may change the answer.
type Refusal struct {
	Reasons []string // at least one
}

// Error returns the reasons.
func (r *Refusal) Error() string {
	return "no answer: " + strings.Join(r.Reasons, "; ")
}

// Ask answers a question. The error is a *Refusal if the answer would be a guess; any other error reports an invalid question.
func (r *Rules) Ask(q *Question) (*Answer, error) {
	src, err := r.Source(q)
	if err != nil {
		return nil, err
	}
	request, err := r.request(q, src)
	if err != nil {
		return nil, err
	}
	a := &Answer{Request: request, Source: src, Explanation: r.Table.Explain(request, src)}
	if reasons := r.refuse(a); reasons != nil {
		return nil, &Refusal{Reasons: reasons}
	}
	if q.From != "" && !src.Gateway && r.workloads(q.From) == nil {
		a.Near = append(a.Near, src.Workload+" is not in the files: it is assumed to exist, with a sidecar and without labels")
	}
	if r.Overlay.Lenient && a.Outcome == mesh.NoHost && !r.Table.StatesOutbound(src) {
		a.Near = append(a.Near, "502 is Istio's response with outboundTrafficPolicy REGISTRY_ONLY; with ALLOW_ANY, its default, the request goes to the host that it names, without any rule")
	}
	return a, nil
}

// verdict is the part of an explanation that policies decide.
func verdict(e *mesh.Explanation) string {
	text := e.Refusal
	for _, s := range e.Shares {
		text += fmt.Sprintf("\n%q", s.Refusals)
	}
	return text
}
