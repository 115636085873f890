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
	own     string // the header that concerns this service
	headers bool
	rates   atomic.Pointer[Rates]
}

// Rates are the faults that hold for every request.
type Rates struct {
	Error   float64 // per cent
	Drop    float64 // per cent
	Latency Latency
}

// New makes the injector of a service.
func New(service string, c Config) *Injector {
	i := &Injector{own: http.CanonicalHeaderKey(header.FaultPrefix + service), headers: c.FaultHeaders}
	i.rates.Store(&Rates{c.ErrorRate, c.DropRate, c.Latency})
	return i
}

// Plan is how one request shall fail, in the order of its fields. The zero value is: not at all.
type Plan struct {
	Latency time.Duration // to wait first
	Drop    bool          // close the connection without an answer
	Error   bool          // answer 500
	Empty   bool          // the 500 comes from the header fail and has no body
}

// Plan draws the lots for a request with these headers. What is configured and what a header asks for are drawn
// independently, so that two halves fail three quarters. An error says which header was wrong and what was wanted.
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

// hit is true in percent of all calls: never at 0, always at 100, as Float64 is below 1.
func hit(percent float64) bool { return percent > 0 && rand.Float64()*100 < percent }

// Rates are those that hold now.
func (i *Injector) Rates() Rates { return *i.rates.Load() }
