package telemetry

import (
	"errors"
	"strings"

	"go.opentelemetry.io/contrib/propagators/b3"
	"go.opentelemetry.io/otel/propagation"
)

// newPropagator returns the propagator of a list such as "b3multi,tracecontext". With any B3 in the list it reads both forms of B3, and
// writes those listed. Its error names the expected value.
func newPropagator(list string) (propagation.TextMapPropagator, error) {
	var all []propagation.TextMapPropagator
	encoding := b3.B3Unspecified
	for _, name := range strings.Split(list, ",") {
		switch strings.TrimSpace(name) {
		case "b3":
			encoding |= b3.B3SingleHeader
		case "b3multi":
			encoding |= b3.B3MultipleHeader
		case "tracecontext":
			all = append(all, propagation.TraceContext{})
		case "baggage":
			all = append(all, propagation.Baggage{})
		default:
			return nil, errors.New("a list of b3multi, b3, tracecontext and baggage")
		}
	}
	if encoding != b3.B3Unspecified {
		all = append(all, newB3(encoding)) // last, so that B3 takes precedence in a request that has both
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return propagation.NewCompositeTextMapPropagator(all...), nil
}
