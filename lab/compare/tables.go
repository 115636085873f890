package compare

import (
	"maps"
	"slices"

	"github.com/hopline/hopline/lab/compare/textclass"
	"github.com/hopline/hopline/lab/mesh"
)

// Result holds the differences between two tables.
type Result struct {
	Groups   []Group `json:"groups"`   // equal differences together; empty if no request is treated differently
	Compared int     `json:"compared"` // combinations of callers, hosts and conditions
	// Limits describes the requests that were not compared; empty if every difference was found.
	Limits []string `json:"limits"`
	// Added and Removed name the callers that only one side has. Their requests are not compared.
	Added   []string `json:"added"`
	Removed []string `json:"removed"`
}

// Tables compares all requests that callers of both sides can send. It finds every difference among the requests
//
//   - that repeat no header,
//   - whose path is as a proxy leaves it (urlpath.Normalize), and whose texts are visible ASCII,
//   - whose scheme is http,
//
// unless Limits states otherwise. Callers that the tables cannot distinguish are compared once.
func Tables(before, after Rules) Result {
	return comparer{names: named}.tables(before, after)
}

// Converted is Tables for rules that express the same by other objects: it compares destinations by their endpoints, whatever their names
// are. Requests for which excluded is true are not compared.
func Converted(before, after Rules, excluded func(from Caller, req *mesh.Request) bool) Result {
	return comparer{byEndpoints, excluded}.tables(before, after)
}

// comparer compares two tables.
type comparer struct {
	names    naming
	excluded func(from Caller, req *mesh.Request) bool // nil for none
}

func (how comparer) tables(before, after Rules) Result {
	result := Result{Groups: []Group{}, Limits: []string{}, Added: []string{}, Removed: []string{}}
	old, edited := index(Callers(before.Overlay)), index(Callers(after.Overlay))
	for _, name := range slices.Sorted(maps.Keys(edited)) {
		if _, ok := old[name]; !ok {
			result.Added = append(result.Added, name)
		}
	}
	var pairs []pair
	for _, a := range Callers(before.Overlay) {
		b, ok := edited[a.Name]
		if !ok {
			result.Removed = append(result.Removed, a.Name)
			continue
		}
		pairs = addPair(pairs, pair{a, b, []string{a.Name}}, before.Table, after.Table)
	}
	c := comparison{budget: maxCombinations, limits: map[string]bool{}, texts: textclass.Cache{}}
	var found groups
	for _, p := range pairs {
		p.walk(before.Table, after.Table, &c, func(req *mesh.Request) {
			if how.excluded != nil && how.excluded(p.before, req) {
				return
			}
			result.Compared++
			a, b := how.names.of(before.Table, req, p.before), how.names.of(after.Table, req, p.after)
			found.add(a.Differences(b), p.names, func() Example {
				e := before.Example(req, p.before)
				e.RuleBefore, e.RuleAfter = a.Rule, b.Rule
				return e
			})
		})
	}
	result.Groups = found.sorted()
	result.Limits = append(result.Limits, slices.Sorted(maps.Keys(c.limits))...)
	return result
}

// comparison is what all walks of one call of Tables have in common.
type comparison struct {
	budget int             // combinations that are left
	limits map[string]bool // reasons why requests may be missing
	texts  textclass.Cache // since many hosts and callers have the same patterns
}

// pair is a caller as each side has it, with the names of all callers that neither table can distinguish from it.
type pair struct {
	before, after Caller
	names         []string
}

// addPair adds a pair, or adds its name to a pair that is alike on both sides.
func addPair(pairs []pair, p pair, before, after *mesh.Table) []pair {
	for i := range pairs {
		if before.Alike(&pairs[i].before.Source, &p.before.Source) && after.Alike(&pairs[i].after.Source, &p.after.Source) {
			pairs[i].names = append(pairs[i].names, p.names...)
			return pairs
		}
	}
	return append(pairs, p)
}

// walk calls use with one request for each combination of conditions of the caller, on all ports.
func (p *pair) walk(before, after *mesh.Table, c *comparison, use func(*mesh.Request)) {
	old, edited := before.Domains(&p.before.Source), after.Domains(&p.after.Source)
	ports := slices.AppendSeq(slices.Collect(maps.Keys(old)), maps.Keys(edited))
	slices.Sort(ports)
	policies := func(rewrites []*mesh.Rewrite) []mesh.Condition {
		return append(before.PolicyConditions(rewrites), after.PolicyConditions(rewrites)...)
	}
	for _, port := range slices.Compact(ports) {
		w := walk{comparison: c, port: port, gateway: p.before.Source.Gateway, sides: [2]*mesh.Domains{old[port], edited[port]}, policies: policies, use: use}
		w.requests()
	}
}
