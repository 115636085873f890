package gatewayapi

import (
	"fmt"
	"strings"

	"github.com/hopline/hopline/lab/internal/nearest"
)

// Condition is one condition of the status that Istio writes to a Gateway, to a listener, or to a route for one of its parents. For a
// parent that is not a Gateway of Istio, a Service or a ServiceEntry, Istio writes no status: there the lab adds the condition Accepted
// with the reason NoMatchingParent.
type Condition struct {
	Object  string `json:"object"` // "HTTPRoute hopline/middle"
	Of      string `json:"of"`     // the part that it concerns: "Service hopline/middle", "listener http"; empty for the whole object
	Part    int    `json:"-"`      // the index of that part in spec.listeners or spec.parentRefs; -1 for the whole object
	Type    string `json:"type"`   // "Accepted", "Programmed" or "ResolvedRefs"
	True    bool   `json:"true"`
	Reason  string `json:"reason"`  // "Accepted", "BackendNotFound"
	Message string `json:"message"` // why it is not true; may also note a fault of a true one; else empty
	Path    string `json:"path"`    // the field that is the cause: "spec.rules[0].backendRefs[1]"
}

// String returns the condition in one line: "HTTPRoute hopline/middle: ResolvedRefs is False (BackendNotFound): no Service hopline/midle".
func (c Condition) String() string {
	var b strings.Builder
	b.WriteString(c.Object)
	if c.Of != "" {
		fmt.Fprintf(&b, " at %s", c.Of)
	}
	switch {
	case c.True && c.Message == "":
		fmt.Fprintf(&b, ": %s is True", c.Type)
	case c.True:
		fmt.Fprintf(&b, ": %s is True (%s): %s", c.Type, c.Reason, c.Message)
	default:
		fmt.Fprintf(&b, ": %s is False (%s): %s", c.Type, c.Reason, c.Message)
	}
	return b.String()
}

// failure holds the reason why a condition is not true.
type failure struct {
	reason, message string
	path            string
}

func failed(reason, path, format string, args ...any) *failure {
	return &failure{reason: reason, path: path, message: fmt.Sprintf(format, args...)}
}

// subject is what a condition concerns.
type subject struct {
	object, of string
	part       int
}

func whole(object string) subject { return subject{object: object, part: -1} }

// add adds a condition, which is true unless there are failures.
func (c *converter) add(about subject, kind string, failures ...*failure) {
	out := Condition{Object: about.object, Of: about.of, Part: about.part, Type: kind, True: true, Reason: kind}
	for _, f := range failures {
		if f == nil {
			continue
		}
		out.True, out.Reason, out.Message, out.Path = false, f.reason, f.message, f.path
		c.conditions = append(c.conditions, out)
	}
	if out.True {
		c.conditions = append(c.conditions, out)
	}
}

// hint suggests the Service of a namespace that may have been meant.
func (c *converter) hint(namespace, name string) string {
	var names []string
	for _, s := range c.overlay.Services {
		if s.Namespace == namespace {
			names = append(names, s.Name)
		}
	}
	return nearest.DidYouMean(name, names)
}
