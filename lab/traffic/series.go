package traffic

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hopline/hopline/lab/internal/histogram"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/proxy"
)

// The bounds of a Series: 15 minutes in buckets of 5 s, for at most maxLines workloads and destinations.
const (
	BucketLength = 5 * time.Second
	Buckets      = 180

	maxLines = 1000
)

// Series keeps the rate, errors and latencies of each workload over the last 15 minutes, and marks. Its memory does not grow with the number
// of requests. It is safe for concurrent use.
type Series struct {
	begun time.Time

	mu      sync.RWMutex
	lines   map[Line]*line
	leftOut map[Line]bool // lines beyond maxLines, at most maxLines of them
	marks   []Mark        // the oldest first
}

// Line identifies the requests that one workload responded to, or for which no workload did.
type Line struct {
	Namespace string `json:"namespace"`
	Service   string `json:"service"`  // "middle": the workload's app, the host that has no workload, or the caller of requests without a route
	Version   string `json:"version"`  // "canary"; empty for an outside host and for requests to which the mesh responded
	Workload  string `json:"workload"` // "middle-canary"; empty where no workload responded
}

// line holds the finished buckets of one Line in a ring, and the one that is being counted.
type line struct {
	begun  time.Time // of the Series
	mu     sync.Mutex
	open   point
	took   *histogram.Histogram // of open
	last   int64                // number of the bucket of the last request
	closed [Buckets]point
}

// point holds the figures of one bucket.
type point struct {
	number   int64 // of the bucket, from 1; 0: none
	requests uint32
	errors   uint32
	p50, p99 time.Duration
	slowest  example
	failed   example
}

// example is one request of a bucket, with a trace.
type example struct {
	trace  string // 32 hex digits; empty: there is no example
	end    time.Duration
	took   time.Duration
	status int
}

func newSeries(begun time.Time) *Series {
	return &Series{begun: begun, lines: map[Line]*line{}, leftOut: map[Line]bool{}}
}

// number returns the number of the bucket at a time since the beginning.
func number(since time.Duration) int64 { return 1 + int64(max(0, since)/BucketLength) }

// lineOf returns the Line that a request counts for: that of the workload that responded, of the destination, or else of the caller. Copies
// that a rule mirrors count for the workload that received them.
func lineOf(a *proxy.Access) Line {
	switch {
	case a.By != nil:
		return Line{Namespace: a.By.Namespace, Service: ServiceOf(a.By), Version: a.By.Labels["version"], Workload: a.By.Workload}
	case a.Cluster != nil:
		return Line{Namespace: a.Cluster.Namespace, Service: serviceOfHost(a.Cluster.Host)}
	}
	return Line{Namespace: a.Source.Namespace, Service: ServiceOf(a.Source)}
}

// ServiceOf returns the service that a workload belongs to: its app, or its own name.
func ServiceOf(s *mesh.Source) string { return cmp.Or(s.Labels["app"], s.Workload) }

// ServiceOfCluster returns the service of a mesh.Cluster by its name: "core" of "outbound|80|prod|core.hopline.svc.cluster.local".
func ServiceOfCluster(name string) string {
	return serviceOfHost(name[strings.LastIndexByte(name, '|')+1:])
}

// serviceOfHost returns the name of a host as the console shows it: that of the Service, or the whole name of an outside host.
func serviceOfHost(host string) string {
	if before, ok := strings.CutSuffix(host, ".svc.cluster.local"); ok {
		name, _, _ := strings.Cut(before, ".")
		return name
	}
	return host
}

// find returns the counters of a Line; nil if there are too many lines.
func (s *Series) find(of Line) *line {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lines[of]
	if l == nil && len(s.lines) < maxLines {
		l = &line{begun: s.begun, took: histogram.New(histogram.Coarse)}
		s.lines[of] = l
	}
	if l == nil && len(s.leftOut) < maxLines {
		s.leftOut[of] = true
	}
	return l
}

// forget drops the lines without a request in the last 15 minutes.
func (s *Series) forget(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.leftOut)
	oldest := number(now.Sub(s.begun)) - Buckets
	for of, l := range s.lines {
		l.mu.Lock()
		if l.last < oldest {
			delete(s.lines, of)
		}
		l.mu.Unlock()
	}
}

// add counts a finished request.
func (l *line) add(a *proxy.Access) {
	end := a.Start.Sub(l.begun) + a.Duration
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(number(end))
	p := &l.open
	l.last = p.number
	p.requests++
	l.took.Add(a.Duration)
	if failed(a.Status) {
		p.errors++
		if p.failed.trace == "" {
			p.failed = exampleOf(a, end)
		}
	} else if a.Duration > p.slowest.took {
		p.slowest = exampleOf(a, end)
	}
}

// exampleOf returns a request as an example; an empty one if its trace is not recorded.
func exampleOf(a *proxy.Access, end time.Duration) example {
	if !a.Traced {
		return example{}
	}
	return example{trace: strings.Clone(a.TraceID), end: end, took: a.Duration, status: a.Status}
}

// turn closes the open bucket if the one with a later number has begun. The caller holds mu.
func (l *line) turn(number int64) {
	if number <= l.open.number {
		return
	}
	if l.open.number > 0 {
		l.open.p50, l.open.p99 = l.took.Percentile(50), l.took.Percentile(99)
		l.closed[l.open.number%Buckets] = l.open
		l.took.Reset()
	}
	l.open = point{number: number}
}

// Window holds the figures of consecutive buckets that have ended.
type Window struct {
	Begin   int64        `json:"begin"`    // of the first bucket, milliseconds since 1970
	Every   int64        `json:"every"`    // length of a bucket in milliseconds
	Keep    int          `json:"keep"`     // buckets that the lab keeps
	Buckets int          `json:"buckets"`  // in this window
	Next    int64        `json:"next"`     // milliseconds until the next bucket ends
	LeftOut int          `json:"left_out"` // workloads and destinations that are not counted, as there are too many
	Lines   []LineWindow `json:"lines"`    // those with requests in this window, by namespace, service and version
	Marks   []Mark       `json:"marks"`    // of the last 15 minutes, the oldest first
}

// LineWindow holds the figures of a Line, one per bucket.
type LineWindow struct {
	Line
	Requests []uint32  `json:"requests"`
	Errors   []uint32  `json:"errors"` // requests without a response, or with one of 500 and above
	P50      []int64   `json:"p50_us"`
	P99      []int64   `json:"p99_us"`
	Examples []Example `json:"examples"`
}

// Example is a request of a bucket whose trace is recorded: the slowest that did not fail, or the first that failed.
type Example struct {
	At     int64  `json:"at"` // its end, milliseconds since 1970
	Failed bool   `json:"failed"`
	Took   int64  `json:"us"`
	Status int    `json:"status"` // 0: the caller got no response
	Trace  string `json:"trace"`
}

// Read returns the buckets that have ended before now and begin at or after a time.
func (s *Series) Read(now, since time.Time) Window {
	open := number(now.Sub(s.begun))
	first := max(1, open-Buckets)
	if d := since.Sub(s.begun); d > 0 {
		first = max(first, 1+int64((d+BucketLength-1)/BucketLength))
	}
	first = min(first, open)
	begin := s.begun.Add(time.Duration(first-1) * BucketLength)
	w := Window{
		Begin: begin.UnixMilli(), Every: BucketLength.Milliseconds(), Keep: Buckets, Buckets: int(open - first),
		Next:  s.begun.Add(time.Duration(open) * BucketLength).Sub(now).Milliseconds(),
		Lines: []LineWindow{}, Marks: s.marksSince(now.Add(-Buckets * BucketLength)),
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	w.LeftOut = len(s.leftOut)
	for of, l := range s.lines {
		if lw, any := l.read(first, open); any {
			lw.Line = of
			w.Lines = append(w.Lines, lw)
		}
	}
	slices.SortFunc(w.Lines, func(a, b LineWindow) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Workload, b.Workload))
	})
	return w
}

// examples returns the examples that a point has.
func (p *point) examples(begun time.Time) (list []Example) {
	for i, e := range []example{p.slowest, p.failed} {
		if e.trace != "" {
			list = append(list, Example{At: begun.Add(e.end).UnixMilli(), Failed: i == 1, Took: e.took.Microseconds(), Status: e.status, Trace: e.trace})
		}
	}
	return list
}

// read returns the figures of the buckets from first to before open, and whether there was any request.
func (l *line) read(first, open int64) (w LineWindow, any bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(open)
	n := int(open - first)
	w = LineWindow{Requests: make([]uint32, n), Errors: make([]uint32, n), P50: make([]int64, n), P99: make([]int64, n), Examples: []Example{}}
	for number := first; number < open; number++ {
		p := &l.closed[number%Buckets]
		if p.number != number || p.requests == 0 {
			continue
		}
		i := number - first
		any = true
		w.Requests[i], w.Errors[i], w.P50[i], w.P99[i] = p.requests, p.errors, p.p50.Microseconds(), p.p99.Microseconds()
		w.Examples = append(w.Examples, p.examples(l.begun)...)
	}
	return w, any
}
