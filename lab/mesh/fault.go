package mesh

import (
	"math"

	networking "istio.io/api/networking/v1alpha3"
)

// newFault compiles a fault. A missing percentage means 0.
// (https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPFaultInjection)
func newFault(f *networking.HTTPFaultInjection) *Fault {
	if f == nil {
		return nil
	}
	out := &Fault{}
	if d := f.GetDelay(); d != nil {
		out.Delay = d.GetFixedDelay().AsDuration()
		//lint:ignore SA1019 deprecated, but Istio still enforces it
		out.DelayPercent = float64(d.GetPercent())
		if d.GetPercentage() != nil {
			out.DelayPercent = d.GetPercentage().GetValue()
		}
	}
	if a := f.GetAbort(); a != nil {
		out.Abort, out.AbortPercent = int(a.GetHttpStatus()), a.GetPercentage().GetValue()
	}
	return out
}

// injects reports whether the fault can affect any request.
func (f *Fault) injects() bool {
	return f != nil && (f.Delay > 0 && f.DelayPercent > 0 || f.Abort > 0 && f.AbortPercent > 0)
}

// drawn reports whether a draw is within a percentage. Istio sends percentages to Envoy as whole millionths.
func drawn(percent float64, random uint64) bool {
	return random%1_000_000 < millionths(percent)
}

func millionths(percent float64) uint64 {
	if !(percent > 0) {
		return 0
	}
	return uint64(math.Min(percent*10_000, 1_000_000))
}

// nextRandom returns the next of a sequence of independent numbers and advances its state, by SplitMix64.
// (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014)
func nextRandom(state *uint64) uint64 {
	n := Mix(*state)
	*state += goldenGamma
	return n
}

// goldenGamma is the step between two states of SplitMix64.
const goldenGamma = 0x9e3779b97f4a7c15

// Mix spreads a 64-bit number over all 64 bits: it returns the output of SplitMix64 for it as a state.
func Mix(z uint64) uint64 {
	z += goldenGamma
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
