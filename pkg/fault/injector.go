package fault

import (
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/hopline/hopline/pkg/header"
)

// Injector decides for each request how it fails.
type Injector struct {
	own     string // the header that applies to this service
	headers bool
	rates   atomic.Pointer[Rates]
}

// Rates are the faults that apply to every request.
type Rates struct {
	Error   float64 // per cent
	Drop    float64 // per cent
	Latency Latency
}

// New returns the injector of a service.
func New(service string, c Config) *Injector {
	i := &Injector{own: http.CanonicalHeaderKey(header.FaultPrefix + service), headers: c.FaultHeaders}
	i.rates.Store(&Rates{c.ErrorRate, c.DropRate, c.Latency})
	return i
}

// Plan holds how one request fails, in the order of its fields. The zero value means that it does not fail.
type Plan struct {
	Latency time.Duration // to wait first
	Drop    bool          // close the connection without a response
	Error   bool          // respond with 500
	Empty   bool          // the 500 is due to the fail header and has no body
}

// Plan makes the random choices for a request with these headers. Configured rates and rates from a header are drawn independently, so that
// two rates of 50 % fail 75 %. An error names the wrong header and the expected value.
func (i *Injector) Plan(h http.Header) (Plan, error) {
	rates := i.rates.Load()
	plan := Plan{
		Latency: rates.Latency.draw(),
		Drop:    hit(rates.Drop),
		Error:   hit(rates.Error),
	}
	if !i.headers {
		return plan, nil
	}
	asked, err := parse(h, i.own)
	if err != nil {
		return Plan{}, err
	}
	if asked == (request{}) {
		return plan, nil
	}
	plan.Latency = min(plan.Latency+asked.latency.draw(), MaxLatency)
	plan.Drop = hit(asked.drop) || plan.Drop
	plan.Error = hit(asked.error) || plan.Error
	plan.Empty = rand.Float64() < asked.fail
	plan.Error = plan.Error || plan.Empty
	return plan, nil
}

// hit returns true for percent of all calls: never at 0, always at 100, because Float64 is below 1.
func hit(percent float64) bool { return percent > 0 && rand.Float64()*100 < percent }

// Rates returns the current rates.
func (i *Injector) Rates() Rates { return *i.rates.Load() }
