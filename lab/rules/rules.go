package rules

import (
	"context"
	"io"
	"slices"
	"strings"

	security "istio.io/api/security/v1beta1"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// Rules holds the compiled rules of some files. It is immutable.
type Rules struct {
	Overlay *overlay.Overlay
	Table   *mesh.Table
	// LeftOut counts in one line what was left out because it does not affect routing; "" for nothing.
	LeftOut string
	// NotComputed lists what may affect some requests and is not computed, one line for each part of an object.
	NotComputed []string
	// Assumed lists what the files do not state and Read assumes.
	Assumed []string

	lax     *mesh.Table // like Table, but with policies that allow more requests; nil if the policies are known exactly
	gaps    []gap
	foreign []overlay.Foreign
	closed  []string                        // the namespaces whose Services are assumed to be complete
	makers  map[string]string               // see overlay.Rest
	subsets map[overlay.SubsetName]struct{} // see overlay.Rest
	own     []string                        // the namespaces of the files' objects
	named   string                          // the files, for messages
	as      shown                           // of the files
}

// Of returns the rules of an overlay that was loaded and compiled strictly. dir is its name for messages.
func Of(o *overlay.Overlay, table *mesh.Table, dir string) *Rules {
	return &Rules{Overlay: o, Table: table, named: dir, subsets: o.Subsets(), as: asNamed}
}

// Read reads the named rules; see overlay.Read for files, directories and stdin ("-"). A name may also be REVISION:PATH, the files
// of a revision of the git repository here, or without other names context:NAME, a cluster; see InContext. Hosts that the files do not have
// are assumed to exist on the ports that rules name and on the given ports. Mistakes in the rules are an *overlay.Report.
func Read(ctx context.Context, names []string, stdin io.Reader, ports ...int) (*Rules, error) {
	o, rest, as, err := open(ctx, names, stdin)
	if err != nil {
		return nil, err
	}
	return newRules(o, rest, strings.Join(names, ", "), as, ports)
}

// ReadWhole is like Read, for files of which something is claimed to be absent: a namespace of which they have a Service has no other one,
// unless they have an object whose controller may create Services.
func ReadWhole(ctx context.Context, names []string, stdin io.Reader) (*Rules, error) {
	o, rest, as, err := open(ctx, names, stdin)
	if err != nil {
		return nil, err
	}
	for _, s := range o.Services {
		if rest.Makers[s.Namespace] == "" {
			o.Closed = append(o.Closed, s.Namespace)
		}
	}
	return newRules(o, rest, strings.Join(names, ", "), as, nil)
}

// newRules completes and compiles what was read.
func newRules(o *overlay.Overlay, rest *overlay.Rest, named string, as shown, ports []int) (*Rules, error) {
	r := &Rules{as: as, Overlay: o, LeftOut: rest.Line(), own: namespaces(o), foreign: rest.Foreign, makers: rest.Makers, subsets: rest.Subsets, named: named, closed: o.Closed}
	r.Assumed = o.Assume(ports...)
	if err := r.compile(rest.Limits); err != nil {
		return nil, as.problems(err)
	}
	for _, g := range r.gaps {
		r.NotComputed = append(r.NotComputed, g.String())
	}
	for i := range r.foreign {
		r.NotComputed = append(r.NotComputed, r.foreign[i].String()+": "+r.foreign[i].Why)
	}
	r.NotComputed = append(append(r.NotComputed, r.Table.GatewayTLS()...), audits(o)...)
	slices.Sort(r.NotComputed)
	r.NotComputed = slices.Compact(r.NotComputed)
	return r, nil
}

// audits names the policies that only mark requests.
func audits(o *overlay.Overlay) (lines []string) {
	for i := range o.AuthorizationPolicies {
		if p := &o.AuthorizationPolicies[i]; p.Spec.GetAction() == security.AuthorizationPolicy_AUDIT {
			lines = append(lines, p.String()+": spec.action: "+auditDecides)
		}
	}
	return lines
}

// auditDecides is what a policy with the action AUDIT does.
const auditDecides = "the policy denies nothing and allows nothing"

// Lines returns the limits of an answer: what was left out, what is not computed, and what was assumed.
func (r *Rules) Lines() []string {
	var lines []string
	if r.LeftOut != "" {
		lines = append(lines, r.LeftOut)
	}
	for _, line := range r.NotComputed {
		lines = append(lines, "not computed: "+line)
	}
	for _, line := range r.Assumed {
		lines = append(lines, "assumed: "+line)
	}
	return lines
}

// Empty reports whether the files have no object that affects routing.
func (r *Rules) Empty() bool { return len(r.Overlay.Objects()) == 0 && len(r.foreign) == 0 }

// Place returns the file and the line of a field of an object; line 0 if it is unknown.
func (r *Rules) Place(object, path string) (file string, line int) {
	file, line = r.Overlay.Place(object, path)
	return r.as(file), line
}
