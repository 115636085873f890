package console

import (
	"time"

	"github.com/hopline/hopline/lab/traffic"
)

// window is the period over which requests per second are computed.
const window = 10 * time.Second

// count holds the number of requests and their outcomes since the lab started.
type count struct {
	requests, errors, copies uint64
	seconds                  float64
}

func (c *count) add(f traffic.Flow) {
	c.requests += f.Requests
	c.seconds += f.Seconds
	if f.Copy {
		c.copies += f.Requests
	}
	if f.Failed() {
		c.errors += f.Requests
	}
}

// since returns the difference to an earlier count. Counts that were reset in between give no negative numbers.
func (c count) since(earlier count) count {
	if c.requests < earlier.requests || c.errors < earlier.errors || c.copies < earlier.copies || c.seconds < earlier.seconds {
		return c
	}
	return count{c.requests - earlier.requests, c.errors - earlier.errors, c.copies - earlier.copies, c.seconds - earlier.seconds}
}

// sample is all counts at one moment.
type sample struct {
	at     time.Time
	counts map[string]count // by workload: "hopline/middle-canary"
}

// rates keeps the samples of the last window.
type rates struct {
	samples []sample // the oldest first
}

// Rate holds the current traffic of a workload.
type Rate struct {
	PerSecond float64 `json:"per_second"`
	Errors    float64 `json:"errors"`  // of them failed, from 0 to 1
	Copies    float64 `json:"copies"`  // of them are copies that a rule mirrors, from 0 to 1: their responses are discarded
	MeanMS    float64 `json:"mean_ms"` // mean duration; 0 without requests
}

// add adds a sample and drops those older than the window, except the one at its beginning.
func (r *rates) add(now time.Time, flows []traffic.Flow) {
	s := sample{at: now, counts: map[string]count{}}
	for _, f := range flows {
		if f.Workload == "" {
			continue
		}
		key := f.Namespace + "/" + f.Workload
		c := s.counts[key]
		c.add(f)
		s.counts[key] = c
	}
	r.samples = append(r.samples, s)
	for len(r.samples) > 2 && now.Sub(r.samples[1].at) >= window {
		r.samples = r.samples[1:]
	}
}

// of returns the rate of one workload over the window.
func (r *rates) of(workload string) Rate {
	if len(r.samples) < 2 {
		return Rate{}
	}
	first, last := r.samples[0], r.samples[len(r.samples)-1]
	c := last.counts[workload].since(first.counts[workload])
	passed := last.at.Sub(first.at).Seconds()
	if c.requests == 0 || passed <= 0 {
		return Rate{}
	}
	n := float64(c.requests)
	return Rate{PerSecond: n / passed, Errors: float64(c.errors) / n, Copies: float64(c.copies) / n, MeanMS: 1000 * c.seconds / n}
}
