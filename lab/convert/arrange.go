package convert

import (
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/gatewayapi"
	"github.com/hopline/hopline/lab/overlay"
)

// maxRuleMatches bounds the matches of a rule, by the CustomResourceDefinition.
const maxRuleMatches = 64

// arrange changes the matches of rules so that the order of the Gateway API gives every request to the first rule that matches it, as a
// VirtualService does. The Gateway API tries exact paths before prefixes, these before regular expressions, longer paths before shorter ones, and
// matches with more conditions before those with fewer. Three changes keep the order of two rules that a request can match both:
//   - An exact path or a prefix behind a regular expression is written as a regular expression.
//   - A rule whose match comes too late gets one match more: of what both rules match, which has the conditions of both.
//   - A regular expression that comes too late is put in groups, which make it longer and match the same.
//
// What no change can express stays as it is, and the comparison finds it.
func arrange(drafts []draft) []draft {
	a := arrangement{drafts: drafts, expressions: expressions{}}
	for i := range drafts {
		for _, m := range drafts[i].Matches {
			a.list = append(a.list, newEntry(i, m))
		}
	}
	for a.toRegex() || a.addCommon() { // each adds a bounded number of times
		continue
	}
	a.lengthen()
	out := slices.Clone(drafts)
	for i := range out {
		out[i].Matches = nil
	}
	for _, e := range a.list {
		out[e.rule].Matches = append(out[e.rule].Matches, e.match)
	}
	return out
}

// arrangement holds the matches of all rules.
type arrangement struct {
	drafts []draft
	list   []entry
	expressions
}

// entry is one match of a rule.
type entry struct {
	rule  int
	match overlay.HTTPRouteMatch
	rank  gatewayapi.Precedence
}

func newEntry(rule int, m overlay.HTTPRouteMatch) entry {
	return entry{rule, m, gatewayapi.PrecedenceOf(&m)}
}

func (e *entry) regex() bool { return e.match.Path.Type == regexType }

// before reports whether the Gateway API tries a match before that of an earlier rule.
func (e *entry) before(earlier *entry) bool { return slices.Compare(e.rank[:], earlier.rank[:]) > 0 }

// conflict reports whether a request can match both of two entries, of which the first is of an earlier rule that does something else.
func (a *arrangement) conflict(first, second *entry) bool {
	return first.rule < second.rule && second.before(first) && !a.disjoint(&first.match, &second.match) && !sameAction(&a.drafts[first.rule], &a.drafts[second.rule])
}

// sameAction reports whether two rules do the same.
func sameAction(a, b *draft) bool {
	x, y := a.HTTPRouteRule, b.HTTPRouteRule
	x.Name, y.Name, x.Matches, y.Matches = "", "", nil, nil
	return reflect.DeepEqual(x, y)
}

// toRegex writes paths behind regular expressions as such ones. It reports whether it has changed any.
func (a *arrangement) toRegex() bool {
	changed := false
	for i := range a.list {
		for j := range a.list {
			first, second := &a.list[i], &a.list[j]
			if first.regex() && !second.regex() && !a.drafts[second.rule].fixed && a.conflict(first, second) {
				second.match.Path = asRegex(second.match.Path)
				*second = newEntry(second.rule, second.match)
				changed = true
			}
		}
	}
	return changed
}

// asRegex returns a condition on the path that the same paths meet.
func asRegex(p *overlay.HTTPPathMatch) *overlay.HTTPPathMatch {
	switch value := *p.Value; {
	case p.Type == exactType:
		return pathMatch(regexType, regexp.QuoteMeta(value))
	case value == "/":
		return pathMatch(regexType, "/.*")
	default:
		return pathMatch(regexType, regexp.QuoteMeta(strings.TrimSuffix(value, "/"))+"(/.*)?")
	}
}

// addCommon adds to rules what they have in common with later ones that the Gateway API tries first. It reports whether it has added any.
func (a *arrangement) addCommon() bool {
	added := false
	for i := 0; i < len(a.list); i++ {
		for j := 0; j < len(a.list); j++ {
			first, second := &a.list[i], &a.list[j]
			if first.regex() || second.regex() || a.drafts[first.rule].fixed || !a.conflict(first, second) {
				continue
			}
			both, ok := common(&first.match, &second.match)
			if ok && a.room(first.rule, &both) {
				a.list = append(a.list, newEntry(first.rule, both))
				added = true
			}
		}
	}
	slices.SortStableFunc(a.list, func(x, y entry) int { return x.rule - y.rule })
	return added
}

// room reports whether a rule does not have a match yet, and may have one more.
func (a *arrangement) room(rule int, m *overlay.HTTPRouteMatch) bool {
	n := 0
	for i := range a.list {
		if a.list[i].rule == rule {
			if n++; reflect.DeepEqual(a.list[i].match, *m) {
				return false
			}
		}
	}
	return n < maxRuleMatches
}

// lengthen puts regular expressions that come too late in groups, the last rules first.
func (a *arrangement) lengthen() {
	for i := len(a.list) - 1; i >= 0; i-- {
		first := &a.list[i]
		for j := range a.list {
			second := &a.list[j]
			for first.regex() && second.regex() && a.conflict(first, second) {
				first.match.Path = pathMatch(regexType, "(?:"+*first.match.Path.Value+")")
				*first = newEntry(first.rule, first.match)
			}
		}
	}
}
