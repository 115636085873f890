package lint

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/rules"
)

// Finding is a fault in the rules.
type Finding struct {
	Code   string `json:"code"` // "HL001"
	File   string `json:"file"` // empty if unknown
	Line   int    `json:"line"` // from 1; 0 if unknown
	Object string `json:"object"`
	Path   string `json:"path"` // "spec.http[1]"; empty for the whole object
	Text   string `json:"text"` // what is wrong, in one line
}

// Code is a kind of fault.
type Code struct {
	Name  string // "HL001", which never changes its meaning
	Title string
	find  func(*linter)
}

// Codes lists the kinds of faults.
func Codes() []Code {
	return []Code{
		{"HL001", "a rule that no request reaches", (*linter).unreachedRules},
		{"HL002", "a VirtualService or an HTTPRoute that no request reaches", (*linter).unreachedObjects},
		{"HL003", "a destination that does not exist", (*linter).hosts},
		{"HL004", "a destination with a subset that does not exist", (*linter).missingSubsets},
		{"HL005", "a Service or a subset without workloads", (*linter).workloads},
		{"HL006", "a subset that no route uses", (*linter).unusedSubsets},
		{"HL007", "a destination with weight 0", (*linter).weights},
		{"HL008", "retries that multiply", (*linter).retries},
		{"HL009", "a timeout that is shorter than its retries", (*linter).timeouts},
		{"HL010", "a selector that selects nothing", (*linter).selectors},
	}
}

// Check returns the findings in the rules that are not silenced, sorted by file and line, and how many are silenced by annotations of their
// objects. ignored lists codes to leave out. The error is an *overlay.Report: of annotations with an invalid code.
func Check(r *rules.Rules, ignored []string) (found []Finding, silenced int, err error) {
	silence, err := annotated(r)
	if err != nil {
		return nil, 0, err
	}
	l := &linter{rules: r}
	l.unreached = sync.OnceValue(l.findUnreached)
	for _, code := range Codes() {
		if !slices.Contains(ignored, code.Name) {
			l.code = code.Name
			code.find(l)
		}
	}
	for _, f := range l.findings {
		if slices.Contains(silence[f.Object], f.Code) {
			silenced++
			continue
		}
		f.File, f.Line = r.Place(f.Object, f.Path)
		found = append(found, f)
	}
	slices.SortStableFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Code, b.Code))
	})
	return found, silenced, nil
}

// linter collects the findings of all codes.
type linter struct {
	rules    *rules.Rules
	code     string // of the findings that are added
	findings []Finding

	unreached func() []mesh.Unreached // findUnreached, computed once: two codes need it
}

// add adds a finding, once.
func (l *linter) add(object, path, format string, args ...any) {
	f := Finding{Code: l.code, Object: object, Path: path, Text: fmt.Sprintf(format, args...)}
	if !slices.Contains(l.findings, f) {
		l.findings = append(l.findings, f)
	}
}
