package telemetry

import (
	"math"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Durations is a histogram of durations with classic and native buckets, and with the trace of each bucket's last observation as
// its exemplar.
//
// Prometheus' own ObserveWithExemplar builds the exemplar's message at each observation, with ten allocations, to be read at a scrape
// every few seconds. Here an observation leaves trace, value and time behind, and a scrape makes messages of them.
type Durations struct {
	vec      *prometheus.HistogramVec
	mu       sync.Mutex
	children map[prometheus.Observer]*Duration
}

// Duration is one series of Durations. To keep it spares looking up its labels.
type Duration struct {
	histogram prometheus.Histogram
	mu        sync.Mutex
	last      []exemplar // of each bucket, and of +Inf
}

// exemplar is an observation that belongs to a trace.
type exemplar struct {
	traceID string // empty for none yet
	seconds float64
	at      time.Time
}

// durationBounds are the classic buckets, in seconds: from a call on loopback to the slow page with faults. An array, as it is
// constant.
var durationBounds = [...]float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}

// NewDurations makes the histogram. Its native buckets tell durations apart that differ by a tenth; at most 160 of them are kept.
func NewDurations(name, help string, labels ...string) *Durations {
	return &Durations{
		vec: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:                            name,
			Help:                            help,
			Buckets:                         durationBounds[:],
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  160,
			NativeHistogramMinResetDuration: time.Hour,
		}, labels),
		children: map[prometheus.Observer]*Duration{},
	}
}

// With is the series of these label values.
func (d *Durations) With(values ...string) *Duration {
	observer := d.vec.WithLabelValues(values...)
	d.mu.Lock()
	defer d.mu.Unlock()
	child := d.children[observer]
	if child == nil {
		child = &Duration{histogram: observer.(prometheus.Histogram), last: make([]exemplar, len(durationBounds)+1)}
		d.children[observer] = child
	}
	return child
}

// Observe notes that something took so long until now, in a trace unless traceID is empty.
func (d *Duration) Observe(took time.Duration, traceID string, now time.Time) {
	seconds := took.Seconds()
	d.histogram.Observe(seconds)
	if traceID == "" {
		return
	}
	d.mu.Lock()
	d.last[bucketOf(seconds)] = exemplar{traceID, seconds, now}
	d.mu.Unlock()
}

// bucketOf is the index of the classic bucket that counts a duration; upper bounds are inclusive.
func bucketOf(seconds float64) int {
	for i, bound := range durationBounds {
		if seconds <= bound {
			return i
		}
	}
	return len(durationBounds)
}

// Describe implements prometheus.Collector.
func (d *Durations) Describe(out chan<- *prometheus.Desc) { d.vec.Describe(out) }

// Collect implements prometheus.Collector.
func (d *Durations) Collect(out chan<- prometheus.Metric) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, child := range d.children {
		out <- child
	}
}

// Desc implements prometheus.Metric.
func (d *Duration) Desc() *prometheus.Desc { return d.histogram.Desc() }

// Write implements prometheus.Metric: the histogram, and the exemplars to its buckets.
func (d *Duration) Write(out *dto.Metric) error {
	if err := d.histogram.Write(out); err != nil {
		return err
	}
	h := out.Histogram
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, e := range d.last {
		if e.traceID == "" {
			continue
		}
		message := e.message()
		h.Exemplars = append(h.Exemplars, message) // of the native histogram
		if i < len(h.Bucket) {
			h.Bucket[i].Exemplar = message
			continue
		}
		h.Bucket = append(h.Bucket, &dto.Bucket{ // +Inf stands there only to carry an exemplar
			UpperBound: proto.Float64(math.Inf(1)), CumulativeCount: proto.Uint64(h.GetSampleCount()), Exemplar: message,
		})
	}
	return nil
}

func (e exemplar) message() *dto.Exemplar {
	return &dto.Exemplar{
		Label:     []*dto.LabelPair{{Name: proto.String(TraceIDField), Value: proto.String(e.traceID)}},
		Value:     proto.Float64(e.seconds),
		Timestamp: timestamppb.New(e.at),
	}
}
