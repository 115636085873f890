package telemetry

import (
	"fmt"
	"strings"

	"go.opentelemetry.io/otel/propagation"
)

// newPropagator builds the propagator of a list such as "b3multi,tracecontext". Any B3 in it reads both forms of B3 and writes those
// listed. Its error says what was wanted.
func newPropagator(list string) (propagation.TextMapPropagator, error) {
	var all []propagation.TextMapPropagator
	var forms b3
	for _, name := range strings.Split(list, ",") {
		switch strings.TrimSpace(name) {
		case "b3":
			forms.single = true
		case "b3multi":
			forms.multi = true
		case "tracecontext":
			all = append(all, propagation.TraceContext{})
		case "baggage":
			all = append(all, propagation.Baggage{})
		default:
			return nil, fmt.Errorf("a list of b3multi, b3, tracecontext and baggage")
		}
	}
	if forms != (b3{}) {
		all = append(all, forms) // last, so that B3 holds where a request carries both
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return propagation.NewCompositeTextMapPropagator(all...), nil
}
