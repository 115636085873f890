package gatewayapi

import (
	"fmt"
	"strings"

	"github.com/hopline/hopline/lab/overlay"
)

// Condition is one condition of the status that Istio writes to a Gateway, to a listener, or to a route for one of its parents.
type Condition struct {
	Object  string `json:"object"` // "HTTPRoute hopline/middle"
	Of      string `json:"of"`     // the part that it is about: "Service hopline/middle", "listener http"; empty for the whole object
	Type    string `json:"type"`   // "Accepted", "Programmed" or "ResolvedRefs"
	True    bool   `json:"true"`
	Reason  string `json:"reason"`  // "Accepted", "BackendNotFound"
	Message string `json:"message"` // why it is not true; empty if it is
	Path    string `json:"path"`    // the field that is the cause: "spec.rules[0].backendRefs[1]"
}

// String returns the condition in one line: "HTTPRoute hopline/middle: ResolvedRefs is False (BackendNotFound): no Service hopline/midle".
func (c Condition) String() string {
	var b strings.Builder
	b.WriteString(c.Object)
	if c.Of != "" {
		fmt.Fprintf(&b, " at %s", c.Of)
	}
	if c.True {
		fmt.Fprintf(&b, ": %s is True", c.Type)
		return b.String()
	}
	fmt.Fprintf(&b, ": %s is False (%s): %s", c.Type, c.Reason, c.Message)
	return b.String()
}

// failure is why a condition is not true.
type failure struct {
	reason, message string
	path            string
}

func failed(reason, path, format string, args ...any) *failure {
	return &failure{reason: reason, path: path, message: fmt.Sprintf(format, args...)}
}

// add adds a condition, which is true unless there are failures.
func (c *converter) add(object, of, kind string, failures ...*failure) {
	out := Condition{Object: object, Of: of, Type: kind, True: true, Reason: kind}
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
	return overlay.DidYouMean(name, names)
}
