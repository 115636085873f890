package fault

import (
	"math"
	"net/http"
	"testing"
	"time"
)

const draws = 20000

// bound returns how far a count of draws with probability p may be from its mean: five standard deviations, which chance exceeds once in
// 1.7 million times.
func bound(p float64) float64 { return 5 * math.Sqrt(draws*p*(1-p)) }

// TestRates counts each kind of fault at each rate, from the configuration and from the header. 0 and 100 are exact.
func TestRates(t *testing.T) {
	t.Parallel()
	for _, percent := range []string{"0", "0.5", "5", "15", "50", "70", "99.5", "100"} {
		p := mustFloat(t, percent) / 100
		for name, c := range map[string]struct {
			config Config
			header http.Header
			of     func(Plan) bool
		}{
			"ERROR_RATE":         {Config{ErrorRate: p * 100}, nil, func(p Plan) bool { return p.Error && !p.Empty }},
			"DROP_RATE":          {Config{DropRate: p * 100}, nil, func(p Plan) bool { return p.Drop }},
			"x-fault-core error": {Config{FaultHeaders: true}, http.Header{"X-Fault-Core": {"error=" + percent}}, func(p Plan) bool { return p.Error && !p.Empty }},
			"x-fault-core drop":  {Config{FaultHeaders: true}, http.Header{"X-Fault-Core": {"drop=" + percent}}, func(p Plan) bool { return p.Drop }},
			"fail":               {Config{FaultHeaders: true}, http.Header{"Fail": {fraction(percent, t)}}, func(p Plan) bool { return p.Error && p.Empty }},
		} {
			t.Run(name+" "+percent, func(t *testing.T) {
				t.Parallel()
				injector := New("core", c.config)
				count := 0
				for range draws {
					plan, err := injector.Plan(c.header)
					if err != nil {
						t.Fatal(err)
					}
					if c.of(plan) {
						count++
					}
				}
				if d := math.Abs(float64(count) - draws*p); d > bound(p) {
					t.Errorf("%d of %d, wanted %v ± %.0f", count, draws, draws*p, bound(p))
				}
			})
		}
	}
}

// TestIndependent: the kinds are drawn independently, and so are configured rates and rates from a header.
func TestIndependent(t *testing.T) {
	t.Parallel()
	injector := New("core", Config{ErrorRate: 50, DropRate: 50, FaultHeaders: true})
	header := http.Header{"X-Fault-Core": {"error=50"}, "Fail": {"0.5"}}
	var errors, both, repeated, last int
	for range draws {
		plan, err := injector.Plan(header)
		if err != nil {
			t.Fatal(err)
		}
		now := 0
		if plan.Error {
			errors++
			now = 1
		}
		if plan.Error && plan.Drop {
			both++
		}
		if now == last {
			repeated++
		}
		last = now
	}
	const failing = 1 - 0.5*0.5*0.5
	for name, c := range map[string]struct {
		count int
		p     float64
	}{
		"errors of three halves":        {errors, failing},
		"errors and drops":              {both, failing / 2},
		"the same as the one before it": {repeated, failing*failing + (1-failing)*(1-failing)},
	} {
		if d := math.Abs(float64(c.count) - draws*c.p); d > bound(c.p) {
			t.Errorf("%s: %d of %d, wanted %v ± %.0f", name, c.count, draws, draws*c.p, bound(c.p))
		}
	}
}

// TestLatencyDraws: delays are uniform from Min to Max, by χ² over ten classes (9 degrees of freedom, α = 10⁻⁶: 45.1).
func TestLatencyDraws(t *testing.T) {
	t.Parallel()
	injector := New("core", Config{Latency: Latency{100 * time.Millisecond, 2 * time.Second}})
	var classes [10]float64
	for range draws {
		plan, err := injector.Plan(nil)
		if err != nil {
			t.Fatal(err)
		}
		at := float64(plan.Latency-100*time.Millisecond) / float64(1900*time.Millisecond)
		if at < 0 || at > 1 {
			t.Fatalf("%v is not between 100ms and 2s", plan.Latency)
		}
		classes[min(9, int(at*10))]++
	}
	chi := 0.0
	for _, n := range classes {
		chi += (n - draws/10) * (n - draws/10) / (draws / 10)
	}
	if chi > 45.1 {
		t.Errorf("χ² = %.1f over %v", chi, classes)
	}
}

// TestLatencySum: configured and requested delays add up, to at most half a minute.
func TestLatencySum(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"latency=200ms": 300 * time.Millisecond,
		"latency=29s":   29*time.Second + 100*time.Millisecond,
		"latency=1h":    MaxLatency,
	} {
		plan, err := New("core", Config{Latency: Latency{100 * time.Millisecond, 100 * time.Millisecond}, FaultHeaders: true}).
			Plan(http.Header{"X-Fault-Core": {header}})
		if err != nil || plan.Latency != want {
			t.Errorf("%s: %v, %v; wanted %v", header, plan.Latency, err, want)
		}
	}
}

// TestHeadersOff: FAULT_HEADERS=false does not read the headers at all.
func TestHeadersOff(t *testing.T) {
	t.Parallel()
	plan, err := New("core", Config{}).Plan(http.Header{"Fail": {"nonsense"}, "X-Fault-Core": {"error=100"}})
	if err != nil || plan != (Plan{}) {
		t.Errorf("%+v, %v; wanted nothing", plan, err)
	}
}

// TestPlanCost: Plan allocates nothing for a request without faults.
func TestPlanCost(t *testing.T) {
	injector, header := New("core", Config{FaultHeaders: true}), http.Header{"Accept": {"*/*"}}
	if n := testing.AllocsPerRun(100, func() { _, _ = injector.Plan(header) }); n > 0 {
		t.Errorf("%v allocations, wanted none", n)
	}
}
