package cases

import (
	"cmp"
	"context"
	"io"
	"regexp"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
	"github.com/hopline/hopline/lab/rules"
)

// Result is the result of one case.
type Result struct {
	*Case
	Failures []string      // empty: passed
	Answer   *rules.Answer // nil if there is none
}

// Set holds cases that read the same rules.
type Set struct {
	Names []string // of the rules
	Rules *rules.Rules
	Cases []*Case
}

// Sets groups the cases of files by their rules and reads these. only selects cases by name; nil selects all. The error is an
// *overlay.Report.
func Sets(ctx context.Context, files []*File, only *regexp.Regexp, stdin io.Reader) ([]*Set, error) {
	var sets []*Set
	byRules := map[string]*Set{}
	for _, f := range files {
		key := strings.Join(f.Rules, "\n")
		set := byRules[key]
		if set == nil {
			set = &Set{Names: f.Rules}
			byRules[key] = set
			sets = append(sets, set)
		}
		for _, c := range f.Cases {
			if only == nil || only.MatchString(c.Name) {
				set.Cases = append(set.Cases, c)
			}
		}
	}
	var errs []error
	for _, set := range sets {
		var err error
		set.Rules, err = rules.Read(ctx, set.Names, stdin, set.ports()...)
		errs = append(errs, err)
	}
	return sets, overlay.Join(errs...)
}

// ports lists the ports that the cases name.
func (s *Set) ports() []int {
	var ports []int
	for _, c := range s.Cases {
		ports = append(ports, c.Question.Ports()...)
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// Run runs the cases.
func (s *Set) Run() []Result {
	results := make([]Result, len(s.Cases))
	for i, c := range s.Cases {
		results[i] = s.run(c)
	}
	return results
}

func (s *Set) run(c *Case) Result {
	q := c.Question
	if c.AtHost {
		s.chooseCaller(&q)
	}
	answer, err := s.Rules.Ask(&q)
	if err != nil {
		return Result{Case: c, Failures: []string{err.Error()}}
	}
	failures := c.Expect.check(answer)
	switch {
	case c.Not && len(failures) == 0:
		failures = []string{"the request meets the expectation, want that it does not"}
	case c.Not:
		failures = nil
	}
	return Result{Case: c, Failures: failures, Answer: answer}
}

// chooseCaller sets the caller of a question without one: the ingress gateway if the VirtualService that has the host is bound to a Gateway,
// else a workload of the VirtualService's namespace.
func (s *Set) chooseCaller(q *rules.Question) {
	host, _, _ := strings.Cut(strings.TrimPrefix(q.URL, "http://"), "/")
	host, _, _ = strings.Cut(host, ":")
	var best *overlay.Istio[*networking.VirtualService]
	for i := range s.Rules.Overlay.VirtualServices {
		v := &s.Rules.Overlay.VirtualServices[i]
		for _, h := range v.Spec.GetHosts() {
			named := slices.Contains(istio.Domains(istio.FullHost(h, v.Namespace), v.Namespace), host)
			if named || best == nil && istio.Within(host, h) {
				best = v
			}
		}
	}
	if best == nil {
		s.chooseCallerOfRoute(q, host)
		return
	}
	if len(best.Spec.GetGateways()) == 0 || slices.Equal(best.Spec.GetGateways(), []string{istio.MeshGateway}) {
		q.Caller = &rules.Caller{Namespace: best.Namespace}
	}
}

// chooseCallerOfRoute sets the caller of a question for a host of an HTTPRoute that is attached to a Service.
func (s *Set) chooseCallerOfRoute(q *rules.Question, host string) {
	for i := range s.Rules.Overlay.HTTPRoutes {
		r := &s.Rules.Overlay.HTTPRoutes[i]
		for _, p := range r.Spec.ParentRefs {
			if p.Kind == "Service" && mesh.NamesService(host, p.Name, cmp.Or(p.Namespace, r.Namespace), r.Namespace) {
				q.Caller = &rules.Caller{Namespace: r.Namespace}
			}
		}
	}
}
