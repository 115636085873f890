package cases

import (
	"cmp"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/rules"
)

// check returns the parts of an expectation that an answer does not meet; nil if it meets all.
func (e *Expect) check(a *rules.Answer) (failures []string) {
	c := checking{answer: a}
	if e.Rule != nil && !isRule(*e.Rule, a.Taken) {
		c.differs("rule", takenText(a.Taken), *e.Rule)
	}
	c.status(e)
	if e.To != nil {
		c.targets(e.To)
	}
	if e.Path != nil {
		c.equal("path", cmp.Or(a.Path, a.Request.Path), *e.Path)
	}
	if e.Authority != nil {
		c.authority(*e.Authority)
	}
	if e.Location != nil {
		if ok, err := path.Match(strings.ReplaceAll(*e.Location, "/", "\x00"), strings.ReplaceAll(a.To, "/", "\x00")); err != nil || !ok {
			c.differs("location", quoted(a.To), *e.Location)
		}
	}
	if e.Policy != nil {
		c.policy(*e.Policy)
	}
	c.route(e)
	effects := a.Effects()
	for _, want := range e.Effects {
		if !slices.ContainsFunc(effects, func(line string) bool { return strings.Contains(line, want) }) {
			c.differs("effects", quoted(strings.Join(effects, "; ")), want)
		}
	}
	return c.failures
}

// checking collects failures.
type checking struct {
	answer   *rules.Answer
	failures []string
}

func (c *checking) differs(what, got, want string) {
	c.failures = append(c.failures, fmt.Sprintf("%s: got %s, want %s", what, got, want))
}

func (c *checking) equal(what, got, want string) {
	if got != want {
		c.differs(what, quoted(got), quoted(want))
	}
}

func quoted(text string) string { return cmp.Or(text, "none") }

func takenText(j *mesh.Judgement) string {
	if j == nil {
		return "none"
	}
	return j.Name()
}

// isRule reports whether an expected rule is the one that matches a request: "none", its name or its place, perhaps after the name of its
// object, or only its object. An object is named with or without its kind and namespace.
func isRule(want string, taken *mesh.Judgement) bool {
	if taken == nil || want == "none" {
		return taken == nil && want == "none"
	}
	place, _, _ := strings.Cut(taken.Place, ".")
	_, object, _ := strings.Cut(taken.Object, " ")
	for _, o := range []string{taken.Object, object, path.Base(object)} {
		if want == o || slices.Contains([]string{o + " " + taken.Rule, o + " " + taken.Place, o + " " + place}, want) {
			return true
		}
	}
	return slices.Contains([]string{taken.Rule, taken.Place, place}, want)
}

// status checks the mesh's own response. Without an expected one, a request with expected destinations must reach some workload.
func (c *checking) status(e *Expect) {
	got := c.answer.Status()
	switch {
	case e.Status != nil && *e.Status != got:
		c.differs("status", statusText(got), statusText(*e.Status))
	case e.Status == nil && e.To != nil && got != 0:
		c.differs("status", statusText(got), "that a destination responds")
	}
}

func statusText(status int) string {
	if status == 0 {
		return "routed"
	}
	return fmt.Sprintf("%d by the mesh", status)
}

// targets checks that every destination has its expected share, and that there are no others.
func (c *checking) targets(want []Target) {
	const tolerance = 0.05 // of figures that people round: 33.3%
	named := make([]bool, len(c.answer.Shares))
	for _, t := range want {
		share := 0.0
		for i := range c.answer.Shares {
			if s := &c.answer.Shares[i]; isTargetOf(t.Name, s.Cluster) {
				share += s.Percent
				named[i] = true
			}
		}
		if share < t.Min-tolerance || share > t.Max+tolerance {
			c.differs("to "+t.Name, fmt.Sprintf("%.4g%%", share), t.rangeText())
		}
	}
	for i := range c.answer.Shares {
		if s := &c.answer.Shares[i]; !named[i] && s.Percent > 0 {
			c.failures = append(c.failures, fmt.Sprintf("to: %.4g%% go to %s, which the case does not name", s.Percent, s.Cluster.Title()))
		}
	}
}

func (t *Target) rangeText() string {
	if t.Min == t.Max {
		return fmt.Sprintf("%.4g%%", t.Min)
	}
	return fmt.Sprintf("%.4g%%..%.4g%%", t.Min, t.Max)
}

// isTargetOf reports whether a name means a cluster: host, host:port, host/subset or host:port/subset. The host may be the first labels of the
// full name. Without a port or a subset it means all of them.
func isTargetOf(name string, c *mesh.Cluster) bool {
	name, subset, hasSubset := strings.Cut(name, "/")
	host, port, hasPort := strings.Cut(name, ":")
	return (c.Host == host || strings.HasPrefix(c.Host, host+".")) && (!hasPort || port == fmt.Sprint(c.Port)) && (!hasSubset || subset == c.Subset)
}

// authority checks the authority that every destination gets.
func (c *checking) authority(want string) {
	if c.answer.Route == nil {
		c.differs("authority", "none", want)
		return
	}
	for _, d := range c.answer.Route.Destinations {
		got := cmp.Or(d.Authority, c.answer.Request.Authority)
		if w := c.answer.Route.Rewrite; w != nil && w.Authority != "" {
			got = w.Authority
		}
		c.equal("authority", got, want)
	}
}

// policy checks which AuthorizationPolicy denies the request, at a gateway or at any workload.
func (c *checking) policy(want string) {
	refusals := []string{c.answer.Refusal}
	for _, s := range c.answer.Shares {
		refusals = append(refusals, s.Refusals...)
	}
	end := "AuthorizationPolicy " + strings.TrimPrefix(want, "AuthorizationPolicy ") + " denies it"
	if want == "none" {
		end = "no AuthorizationPolicy allows it"
	}
	if !slices.ContainsFunc(refusals, func(r string) bool { return strings.HasSuffix(r, end) || strings.Contains(r, end+" by rules[") }) {
		c.differs("policy", quoted(strings.Join(slices.DeleteFunc(refusals, func(r string) bool { return r == "" }), "; ")), end)
	}
}

// route checks retries, timeout and headers of the rule.
func (c *checking) route(e *Expect) {
	if e.Retries == nil && e.Timeout == nil && e.Headers == nil && e.ResponseHeaders == nil {
		return
	}
	r := c.answer.Route
	if r == nil {
		c.failures = append(c.failures, "no rule matches the request, so it has no retries, timeout or headers")
		return
	}
	if e.Timeout != nil && *e.Timeout != r.Timeout {
		c.differs("timeout", r.Timeout.String(), e.Timeout.String())
	}
	if want := e.Retries; want != nil {
		if want.Attempts != nil && *want.Attempts != r.Retries.Attempts {
			c.differs("retries", fmt.Sprint(r.Retries.Attempts), fmt.Sprint(*want.Attempts))
		}
		if want.PerTry != nil && *want.PerTry != r.Retries.PerTry {
			c.differs("retries: perTryTimeout", r.Retries.PerTry.String(), want.PerTry.String())
		}
		if want.On != nil {
			c.equal("retries: retryOn", r.Retries.On.String(), *want.On)
		}
	}
	if len(r.Destinations) == 0 {
		r = &mesh.Route{Destinations: []mesh.Destination{{}}, Headers: r.Headers}
	}
	for _, d := range r.Destinations {
		c.requestHeaders(e.Headers, d.Headers, r.Headers)
		c.responseHeaders(e.ResponseHeaders, d.Headers, r.Headers)
	}
}

// requestHeaders checks the headers that a destination gets: those of the request, after the changes of the destination and of the rule.
func (c *checking) requestHeaders(want map[string]*string, changes ...mesh.HeaderOps) {
	if want == nil {
		return
	}
	h := c.answer.Request.Header.Clone()
	for _, ops := range changes {
		ops.ApplyToRequest(h)
	}
	for name, value := range want {
		got, has := strings.Join(h.Values(name), ", "), len(h.Values(name)) > 0
		switch {
		case value == nil && has:
			c.differs("header "+name, got, "none")
		case value != nil && (!has || got != *value):
			c.differs("header "+name, quoted(got), *value)
		}
	}
}

// responseHeaders checks the headers that the rule sets on the response or removes from it.
func (c *checking) responseHeaders(want map[string]*string, changes ...mesh.HeaderOps) {
	for name, value := range want {
		h, removed := http.Header{}, false
		for _, ops := range changes {
			for _, r := range ops.ResponseRemove {
				removed = removed || strings.EqualFold(r, name)
			}
			for _, s := range ops.ResponseSet {
				h.Set(s.Name, s.Value)
			}
			for _, a := range ops.ResponseAdd {
				h.Add(a.Name, a.Value)
			}
		}
		got := strings.Join(h.Values(name), ", ")
		switch {
		case value == nil && !removed:
			c.differs("response header "+name, "not removed", "removed")
		case value != nil && got != *value:
			c.differs("response header "+name, quoted(got), *value)
		}
	}
}
