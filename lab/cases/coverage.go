package cases

import (
	"fmt"
	"slices"
	"strings"
)

// Coverage holds how many rules the cases cover.
type Coverage struct {
	Rules  int
	Missed []Missed // the rules that no case covers, in the overlay's order
}

// Missed is a rule that no case covers.
type Missed struct {
	Object string `json:"object"`
	Rule   string `json:"rule"`
	File   string `json:"file"`
	Line   int    `json:"line"`
}

// Percent returns the share of the rules that a case covers; 100 if there is no rule.
func (c *Coverage) Percent() float64 {
	if c.Rules == 0 {
		return 100
	}
	return 100 * float64(c.Rules-len(c.Missed)) / float64(c.Rules)
}

// cover adds the rules of a set of cases with their results. A rule counts once, although its shares may depend on the caller.
func (c *Coverage) cover(s *Set, results []Result) {
	taken := map[string]bool{}
	for _, r := range results {
		if r.Answer != nil && r.Answer.Taken != nil {
			place, _, _ := strings.Cut(r.Answer.Taken.Place, ".")
			taken[r.Answer.Taken.Object+" "+place] = true
		}
	}
	seen := map[string]bool{}
	for _, rule := range s.Rules.Table.Rules() {
		id := rule.Object + " " + rule.Place
		if seen[id] {
			continue
		}
		seen[id] = true
		c.Rules++
		if !taken[id] {
			file, line := s.Rules.Place(rule.Object, "spec."+rule.Place)
			c.Missed = append(c.Missed, Missed{Object: rule.Object, Rule: rule.Title(), File: file, Line: line})
		}
	}
}

// lines returns the coverage as text.
func (c *Coverage) lines() []string {
	lines := []string{fmt.Sprintf("coverage: %.0f %%, %d of %d rules", c.Percent(), c.Rules-len(c.Missed), c.Rules)}
	for _, m := range c.Missed {
		lines = append(lines, "  no case covers "+m.Object+" "+m.Rule)
	}
	return slices.Clip(lines)
}
