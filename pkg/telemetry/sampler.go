package telemetry

import (
	"strings"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// rootSampler returns the sampler for spans without a parent of a name of OTEL_TRACES_SAMPLER.
func rootSampler(name string, ratio float64) (sdk.Sampler, bool) {
	switch strings.TrimPrefix(name, "parentbased_") {
	case "always_on":
		return sdk.AlwaysSample(), true
	case "always_off":
		return sdk.NeverSample(), true
	case "traceidratio":
		return sdk.TraceIDRatioBased(ratio), true
	}
	return nil, false
}

// newSampler returns the sampler of the settings. If it follows its parent, B3's rules come first.
func newSampler(s *SDK) (sdk.Sampler, error) {
	ratio, err := s.ratio()
	if err != nil {
		return nil, err
	}
	root, _ := rootSampler(s.Sampler, ratio)
	if !strings.HasPrefix(s.Sampler, "parentbased_") {
		return root, nil // configured to ignore the decisions of others
	}
	return b3Sampler{root: root, rest: sdk.ParentBased(root)}, nil
}

// b3Sampler handles the two decisions that OpenTelemetry's span context cannot hold: ids whose sender left the decision to this service,
// and a decision without ids.
type b3Sampler struct {
	root sdk.Sampler // decides for a trace that starts here
	rest sdk.Sampler // decides for everything else
}

// ShouldSample implements sdk.Sampler.
func (s b3Sampler) ShouldSample(p sdk.SamplingParameters) sdk.SamplingResult {
	switch decisionOf(p.ParentContext) {
	case decideHere:
		return s.root.ShouldSample(p)
	case accepted:
		return sdk.AlwaysSample().ShouldSample(p)
	case denied:
		return sdk.NeverSample().ShouldSample(p)
	default:
		return s.rest.ShouldSample(p)
	}
}

// Description implements sdk.Sampler.
func (s b3Sampler) Description() string { return "B3{" + s.rest.Description() + "}" }
