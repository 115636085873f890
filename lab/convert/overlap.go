package convert

import (
	"regexp"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
)

// expressions holds regular expressions that were compiled: each is compared with many others.
type expressions map[string]expression

// expression is a regular expression. One that cannot be compiled is nil, and matches everything.
type expression struct {
	whole  *regexp.Regexp // for whole texts
	begins string         // the text with which everything begins that it matches
}

func (e expressions) of(text string) expression {
	found, ok := e[text]
	if !ok {
		if re, err := regexp.Compile(text); err == nil {
			found.begins, _ = re.LiteralPrefix()
			found.whole, _ = istio.WholeRegex(text)
		}
		e[text] = found
	}
	return found
}

// matchesWhole reports whether an expression matches a whole text.
func (e expressions) matchesWhole(expression, text string) bool {
	re := e.of(expression).whole
	return re == nil || re.MatchString(text)
}

// disjoint reports whether it is certain that no request matches both.
func (e expressions) disjoint(a, b *overlay.HTTPRouteMatch) bool {
	return a.Method != "" && b.Method != "" && a.Method != b.Method ||
		e.conditionsDisjoint(a.Headers, b.Headers, strings.EqualFold) || e.conditionsDisjoint(a.QueryParams, b.QueryParams, sameText) || e.pathsDisjoint(a.Path, b.Path)
}

func sameText(a, b string) bool { return a == b }

// conditionsDisjoint reports whether two lists have conditions of one name that no value meets. Requests that repeat a header are not looked at,
// as in the comparison.
func (e expressions) conditionsDisjoint(a, b []overlay.HTTPMatch, same func(a, b string) bool) bool {
	return slices.ContainsFunc(a, func(x overlay.HTTPMatch) bool {
		return slices.ContainsFunc(b, func(y overlay.HTTPMatch) bool {
			switch {
			case !same(x.Name, y.Name):
				return false
			case x.Type != regexType && y.Type != regexType:
				return x.Value != y.Value
			case x.Type == regexType && y.Type == regexType:
				return false
			case x.Type == regexType:
				return !e.matchesWhole(x.Value, y.Value)
			}
			return !e.matchesWhole(y.Value, x.Value)
		})
	})
}

// pathsDisjoint reports whether it is certain that no path meets both conditions.
func (e expressions) pathsDisjoint(a, b *overlay.HTTPPathMatch) bool {
	switch {
	case a.Type == regexType && b.Type == exactType:
		return !e.matchesWhole(*a.Value, *b.Value)
	case a.Type == exactType && b.Type == regexType:
		return !e.matchesWhole(*b.Value, *a.Value)
	case a.Type == regexType || b.Type == regexType:
		x, y := e.beginning(a), e.beginning(b)
		return !strings.HasPrefix(x, y) && !strings.HasPrefix(y, x)
	case a.Type == exactType && b.Type == exactType:
		return *a.Value != *b.Value
	case a.Type == exactType:
		return !below(*a.Value, *b.Value)
	case b.Type == exactType:
		return !below(*b.Value, *a.Value)
	}
	return !below(*a.Value, *b.Value) && !below(*b.Value, *a.Value)
}

// beginning returns a text with which every path begins that meets a condition.
func (e expressions) beginning(p *overlay.HTTPPathMatch) string {
	if p.Type != regexType {
		return strings.TrimSuffix(*p.Value, "/")
	}
	return e.of(*p.Value).begins
}

// below reports whether a path is a prefix of whole segments, or below it.
func below(path, prefix string) bool {
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(prefix, "/"))
	return ok && (rest == "" || rest[0] == '/')
}

// common returns a match for the requests that match both. ok is false if there is none, or none that can be written.
func common(a, b *overlay.HTTPRouteMatch) (both overlay.HTTPRouteMatch, ok bool) {
	both.Method = a.Method + strings.TrimPrefix(b.Method, a.Method)
	both.Path = a.Path
	if a.Path.Type != exactType && (b.Path.Type == exactType || below(*b.Path.Value, *a.Path.Value)) {
		both.Path = b.Path
	}
	var okHeaders, okQuery bool
	both.Headers, okHeaders = commonConditions(a.Headers, b.Headers, strings.EqualFold)
	both.QueryParams, okQuery = commonConditions(a.QueryParams, b.QueryParams, sameText)
	return both, okHeaders && okQuery
}

// commonConditions joins conditions. Of two on one name, the exact one stays.
func commonConditions(a, b []overlay.HTTPMatch, same func(a, b string) bool) (both []overlay.HTTPMatch, ok bool) {
	both = slices.Clone(a)
	for _, y := range b {
		i := slices.IndexFunc(both, func(x overlay.HTTPMatch) bool { return same(x.Name, y.Name) })
		switch {
		case i < 0:
			both = append(both, y)
		case both[i].Type == y.Type && both[i].Value == y.Value:
		case both[i].Type != regexType:
		case y.Type != regexType:
			both[i] = y
		default:
			return nil, false
		}
	}
	return sortMatches(both), true
}
