package telemetry

import (
	"strings"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// rootSampler is the sampler of a name of OTEL_TRACES_SAMPLER for spans without a parent.
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

// newSampler builds the sampler of the settings and puts B3's rules before one that follows its parent.
func newSampler(s *SDK) (sdk.Sampler, error) {
	ratio, err := s.ratio()
	if err != nil {
		return nil, err
	}
	root, _ := rootSampler(s.Sampler, ratio)
	if !strings.HasPrefix(s.Sampler, "parentbased_") {
		return root, nil // asked not to look at what others decided
	}
	return b3Sampler{root: root, rest: sdk.ParentBased(root)}, nil
}

// b3Sampler knows the two decisions that OpenTelemetry's span context cannot carry: ids whose sender left the decision to
// us, and a decision that came without ids.
type b3Sampler struct {
	root sdk.Sampler // decides for a trace that begins here
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
