package compare

import "github.com/hopline/hopline/lab/mesh"

// Call is a request that a caller has sent.
type Call struct {
	From    Caller // as it was when it sent the request
	Request mesh.Request
	Trace   string
}

// Calls returns the differences among calls, in groups of equal differences, those of the most calls first. It is empty if none of the calls
// would be treated differently. A caller is looked up by its name on each side, since an edit may change its labels; on a side that no
// longer has it, it keeps the labels that it had.
func Calls(before, after Rules, calls []Call) []Group {
	var found groups
	old, edited := index(Callers(before.Overlay)), index(Callers(after.Overlay))
	for i := range calls {
		c := &calls[i]
		a := Of(before.Table, &c.Request, old.now(c.From))
		b := Of(after.Table, &c.Request, edited.now(c.From))
		found.add(a.Differences(b), []string{c.From.Name}, func() Example {
			e := before.Example(&c.Request, c.From)
			e.Trace, e.RuleBefore, e.RuleAfter = c.Trace, a.Rule, b.Rule
			return e
		})
	}
	return found.sorted()
}

// known finds callers by name.
type known map[string]Caller

func index(callers []Caller) known {
	k := known{}
	for _, c := range callers {
		k[c.Name] = c
	}
	return k
}

// now returns the caller of that name on one side.
func (k known) now(c Caller) Caller {
	if found, ok := k[c.Name]; ok {
		return found
	}
	return c
}
