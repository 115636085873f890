package console

import "time"

// window is how far back requests per second look.
const window = 10 * time.Second

// count is requests and what came of them, since the lab started.
type count struct {
	requests, errors, copies uint64
	seconds                  float64
}

func (c *count) add(f Flow) {
	c.requests += f.Requests
	c.seconds += f.Seconds
	if f.Copy {
		c.copies += f.Requests
	}
	if f.Code == 0 || f.Code >= 500 {
		c.errors += f.Requests
	}
}

// since is what was counted after an earlier count. Counts that were forgotten in between make no negative numbers.
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

// Rate is what a workload does now.
type Rate struct {
	PerSecond float64 `json:"per_second"`
	Errors    float64 `json:"errors"`  // of them failed, from 0 to 1
	Copies    float64 `json:"copies"`  // of them are copies that a rule mirrors, from 0 to 1: nobody gets their responses
	MeanMS    float64 `json:"mean_ms"` // how long they took; 0 without requests
}

// add takes a sample in and drops what has left the window, but for the one that the window begins with.
func (r *rates) add(now time.Time, flows []Flow) {
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

// of is the rate of one workload over the window.
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
