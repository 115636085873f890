package telemetry

import (
	"context"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// TestSampler: the standard's names and ratios decide for traces that start here.
func TestSampler(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sampler, arg string
		low, high    int // sampled of 10,000; five standard deviations around a quarter
	}{
		{"always_on", "", 10000, 10000},
		{"always_off", "", 0, 0},
		{"traceidratio", "0.25", 2283, 2717},
		{"parentbased_traceidratio", "0.25", 2283, 2717},
		{"parentbased_traceidratio", "", 10000, 10000},
		{"parentbased_always_off", "", 0, 0},
	} {
		t.Run(c.sampler+"="+c.arg, func(t *testing.T) {
			t.Parallel()
			sampler, err := newSampler(&SDK{Sampler: c.sampler, SamplerArg: c.arg})
			if err != nil {
				t.Fatal(err)
			}
			tracer := sdk.NewTracerProvider(sdk.WithSampler(sampler)).Tracer("test")
			sampled := 0
			for range 10000 {
				if _, span := tracer.Start(context.Background(), "x"); span.SpanContext().IsSampled() {
					sampled++
				}
			}
			if sampled < c.low || sampled > c.high {
				t.Errorf("%d of 10000 sampled, wanted %d to %d", sampled, c.low, c.high)
			}
		})
	}
}
