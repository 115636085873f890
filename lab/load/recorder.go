package load

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hopline/hopline/lab/internal/histogram"
)

// Bounds on what a run keeps.
const (
	maxIntervals = 300 // of the plots
	maxFailures  = 20  // different failures
	slowestKept  = 10
	failedKept   = 10
)

// outcome is the result of one request.
type outcome struct {
	due       time.Duration // from the start of the run
	latency   time.Duration // from when it was due to the end of the response
	service   time.Duration // from when it was sent
	late      time.Duration // from due to sent
	code      int           // 0 without a response
	failure   string        // why there was no response
	elsewhere bool          // a redirect to another host, which was not followed
	trace     string
	hops      []hop
}

// failed reports whether a request counts as an error: no response, or a status of 400 or above.
func (o outcome) failed() bool { return o.failure != "" || o.code >= 400 }

// withoutHops returns the outcome without what only the shares need.
func (o outcome) withoutHops() outcome {
	o.hops = nil
	return o
}

// recorder sums outcomes in bounded memory. It is safe for concurrent use.
type recorder struct {
	mu        sync.Mutex
	width     time.Duration // of an interval
	intervals []interval
	latency   *histogram.Histogram
	service   *histogram.Histogram
	late      *histogram.Histogram
	lastSent  time.Duration // when the last request was sent, from the start
	tooLate   uint64        // sent more than lateness after they were due
	errors    uint64
	elsewhere uint64
	unsent    uint64
	codes     map[int]uint64
	failures  map[string]uint64
	slowest   []outcome
	failed    []outcome // the first that have a trace
	shares    *shares
}

// lateness is how late a request may be sent before the rate counts as not held.
const lateness = 100 * time.Millisecond

// interval holds the figures of one interval of the plots.
type interval struct {
	latency *histogram.Histogram
	errors  uint64
	asked   uint64
	sent    uint64 // in this interval, whenever they were due
}

func newRecorder(p *plan, e *expectation) *recorder {
	width := max(time.Second, (p.duration/maxIntervals + time.Second - 1).Truncate(time.Second))
	return &recorder{
		width:    width,
		latency:  histogram.New(histogram.Fine),
		service:  histogram.New(histogram.Fine),
		late:     histogram.New(histogram.Fine),
		codes:    map[int]uint64{},
		failures: map[string]uint64{},
		shares:   newShares(e),
	}
}

func (r *recorder) add(o outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	in := r.interval(o.due)
	in.latency.Add(o.latency)
	r.latency.Add(o.latency)
	if o.failed() {
		in.errors++
		r.errors++
		if o.trace != "" && len(r.failed) < failedKept {
			r.failed = append(r.failed, o.withoutHops())
		}
	}
	if o.failure != "" {
		r.fail(o.failure)
	} else {
		r.codes[o.code]++
	}
	if o.elsewhere {
		r.elsewhere++
	}
	r.service.Add(o.service)
	r.late.Add(o.late)
	if o.late > lateness {
		r.tooLate++
	}
	r.lastSent = max(r.lastSent, o.due+o.late)
	r.shares.add(o.hops)
	if len(r.slowest) < slowestKept || o.latency > r.slowest[len(r.slowest)-1].latency {
		o := o.withoutHops()
		at, _ := slices.BinarySearchFunc(r.slowest, o, func(a, b outcome) int { return cmp.Compare(b.latency, a.latency) })
		r.slowest = slices.Insert(r.slowest, at, o)
		r.slowest = r.slowest[:min(len(r.slowest), slowestKept)]
	}
}

// sent counts a request by when it is sent, from the start of the run.
func (r *recorder) sent(at time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.interval(at).sent++
}

// asked counts a request by the time at which it was due, whether it was sent or not.
func (r *recorder) asked(due time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.interval(due).asked++
}

// addUnsent counts a request that was due and never sent: it waited from then to the end of the run.
func (r *recorder) addUnsent(due, waited time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	in := r.interval(due)
	in.latency.Add(waited)
	in.errors++
	r.latency.Add(waited)
	r.errors++
	r.unsent++
	r.fail("never sent")
}

func (r *recorder) interval(due time.Duration) *interval {
	i := min(int(due/r.width), maxIntervals)
	for i >= len(r.intervals) {
		r.intervals = append(r.intervals, interval{latency: histogram.New(histogram.Fine)})
	}
	return &r.intervals[i]
}

func (r *recorder) fail(reason string) {
	if _, known := r.failures[reason]; !known && len(r.failures) >= maxFailures {
		reason = "other reasons"
	}
	r.failures[reason]++
}

// addresses matches what differs between equal failures: the local port of a connection.
var addresses = regexp.MustCompile(`(read|write) tcp [^ ]+->`)

// reason shortens vegeta's error text: without the method and URL, and without the parts that differ each time.
func reason(text string, timeout time.Duration) string {
	if i := strings.Index(text, `": `); i >= 0 {
		text = text[i+3:]
	}
	if strings.Contains(text, "Client.Timeout") || strings.Contains(text, "context deadline exceeded") {
		return "no response within " + timeout.String()
	}
	text = addresses.ReplaceAllString(text, "$1 tcp ")
	return strings.ToValidUTF8(text[:min(len(text), 200)], "")
}

// snapshot holds the figures of the progress.
type snapshot struct {
	done, errors  uint64
	p50, p90, p99 time.Duration
}

func (r *recorder) snapshot() snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	return snapshot{
		done: r.latency.Count(), errors: r.errors,
		p50: r.latency.Percentile(50), p90: r.latency.Percentile(90), p99: r.latency.Percentile(99),
	}
}
