package load

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/hopline/hopline/lab/internal/histogram"
)

// Report holds the results of a run. Times are in milliseconds, shares in per cent.
type Report struct {
	URL        string   `json:"url"`
	Method     string   `json:"method"`
	Headers    []string `json:"headers"`
	KeepAlive  bool     `json:"keep_alive"`
	Early      bool     `json:"ended_early"`
	Seconds    float64  `json:"seconds"`
	RampTime   float64  `json:"ramp_seconds"`
	Rate       float64  `json:"rate"`         // requested, after the ramp
	AskedRate  float64  `json:"asked_rate"`   // requested, on average over the run
	HeldRate   float64  `json:"held_rate"`    // sent, on average over the run
	Held       bool     `json:"rate_held"`    // whether 99 % of the requests were sent within 100 ms of when they were due
	Planned    uint64   `json:"planned"`      // requests that were due
	Sent       uint64   `json:"sent"`         // requests that were sent
	Answered   uint64   `json:"answered"`     // with any status
	Errors     uint64   `json:"errors"`       // no response, a status of 400 or above, or never sent
	ErrorShare float64  `json:"errors_share"` // share of the planned requests

	Latency  Latency `json:"latency_ms"` // from when a request was due
	Curve    []Point `json:"percentiles"`
	Service  Latency `json:"service_ms"`       // from when it was sent
	Lateness Latency `json:"sent_late_by_ms"`  // from due to sent
	TooLate  uint64  `json:"sent_100_ms_late"` // or more

	Statuses    []StatusReport  `json:"statuses"`
	Failures    []FailureReport `json:"failures"`
	Elsewhere   uint64          `json:"redirects_elsewhere"` // redirects to other hosts, not followed
	Interrupted int             `json:"interrupted"`         // in flight when the run was ended
	Hops        []HopReport     `json:"hops"`
	Slowest     []Slow          `json:"slowest"`
	Failed      []Slow          `json:"failed"` // the first failed requests that have a trace
	Intervals   []Interval      `json:"intervals"`
	FailIf      []Condition     `json:"fail_if"`
	Rules       string          `json:"rules"` // the overlay from which the expectation is computed; empty for none
}

// Latency is a distribution of times in milliseconds.
type Latency struct {
	Min  float64 `json:"min"`
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P75  float64 `json:"p75"`
	P90  float64 `json:"p90"`
	P95  float64 `json:"p95"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99_9"`
	Max  float64 `json:"max"`
}

// Point is one percentile of the latency.
type Point struct {
	Percentile float64 `json:"percentile"`
	MS         float64 `json:"ms"`
}

// StatusReport is how many responses had a status.
type StatusReport struct {
	Status  int     `json:"status"`
	Count   uint64  `json:"count"`
	Percent float64 `json:"percent"`
}

// FailureReport is how many requests had no response, and why.
type FailureReport struct {
	Reason string `json:"reason"`
	Count  uint64 `json:"count"`
}

// HopReport lists which versions of a service responded at a hop, and whether that fits the rules.
type HopReport struct {
	Hop       int             `json:"hop"` // 1 is the first behind the target
	Service   string          `json:"service"`
	Requests  uint64          `json:"requests"`
	Versions  []VersionReport `json:"versions"`
	ChiSquare float64         `json:"chi_square"`
	Degrees   int             `json:"degrees_of_freedom"`
	P         *float64        `json:"p"` // probability of such a χ² by chance; null if unknown
	Verdict   string          `json:"verdict"`
}

// VersionReport is the share of one version.
type VersionReport struct {
	Version  string   `json:"version"`
	Requests uint64   `json:"requests"`
	Percent  float64  `json:"percent"`
	Expected *float64 `json:"expected_percent"` // null if the rules do not determine it
}

// Slow is one of the slowest requests, or of the failed ones.
type Slow struct {
	TraceID string  `json:"trace_id"`
	At      float64 `json:"at_seconds"` // when it was due
	Latency float64 `json:"latency_ms"`
	Status  int     `json:"status"` // 0 without a response
	Failure string  `json:"failure,omitempty"`
	Link    string  `json:"link,omitempty"` // the page of the trace
}

func newSlow(o outcome) Slow {
	return Slow{TraceID: o.trace, At: o.due.Seconds(), Latency: ms(o.latency), Status: o.code, Failure: o.failure}
}

// Interval is one interval of the plots.
type Interval struct {
	At     float64 `json:"at_seconds"`
	Length float64 `json:"seconds"`
	Asked  uint64  `json:"asked"`
	Sent   uint64  `json:"sent"` // in this interval, whenever they were due
	Errors uint64  `json:"errors"`
	Done   uint64  `json:"done"`
	P50    float64 `json:"p50_ms"`
	P90    float64 `json:"p90_ms"`
	P99    float64 `json:"p99_ms"`
	Max    float64 `json:"max_ms"`
}

// Condition is a condition of --fail-if.
type Condition struct {
	Condition string `json:"condition"`
	Holds     bool   `json:"holds"`
	Text      string `json:"text"` // with the measured figure
}

func newReport(c *Command, rec *recorder) *Report {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	r := &Report{
		URL: c.URL, Method: c.Method, Headers: append([]string{}, c.Header...), KeepAlive: c.KeepAlive,
		Rate: c.Rate, RampTime: c.Ramp.Seconds(),
		Errors: rec.errors, ErrorShare: share(rec.errors, rec.latency.Count()),
		Latency: latency(rec.latency), Service: latency(rec.service), Lateness: latency(rec.late), TooLate: rec.tooLate,
		Held:      rec.tooLate+rec.unsent <= rec.latency.Count()/100,
		Elsewhere: rec.elsewhere,
		Statuses:  []StatusReport{}, Failures: []FailureReport{}, Slowest: []Slow{}, Failed: []Slow{}, Intervals: rec.report(), FailIf: []Condition{},
		Hops: rec.shares.report(),
	}
	for _, n := range rec.codes {
		r.Answered += n
	}
	for _, p := range curve(rec.latency.Count()) {
		r.Curve = append(r.Curve, Point{Percentile: p, MS: ms(rec.latency.Percentile(p))})
	}
	for _, code := range slices.Sorted(maps.Keys(rec.codes)) {
		r.Statuses = append(r.Statuses, StatusReport{Status: code, Count: rec.codes[code], Percent: share(rec.codes[code], rec.latency.Count())})
	}
	for _, why := range slices.Sorted(maps.Keys(rec.failures)) {
		r.Failures = append(r.Failures, FailureReport{Reason: why, Count: rec.failures[why]})
	}
	for _, o := range rec.slowest {
		r.Slowest = append(r.Slowest, newSlow(o))
	}
	for _, o := range rec.failed {
		r.Failed = append(r.Failed, newSlow(o))
	}
	return r
}

// report returns the figures of the intervals. The caller holds mu.
func (r *recorder) report() []Interval {
	all := []Interval{}
	for i := range r.intervals {
		in := &r.intervals[i]
		all = append(all, Interval{
			At: (time.Duration(i) * r.width).Seconds(), Length: r.width.Seconds(), Asked: in.asked, Sent: in.sent, Errors: in.errors, Done: in.latency.Count(),
			P50: ms(in.latency.Percentile(50)), P90: ms(in.latency.Percentile(90)), P99: ms(in.latency.Percentile(99)), Max: ms(in.latency.Max()),
		})
	}
	return all
}

func latency(h *histogram.Histogram) Latency {
	return Latency{
		Min: ms(h.Min()), Mean: ms(h.Mean()), P50: ms(h.Percentile(50)), P75: ms(h.Percentile(75)), P90: ms(h.Percentile(90)),
		P95: ms(h.Percentile(95)), P99: ms(h.Percentile(99)), P999: ms(h.Percentile(99.9)), Max: ms(h.Max()),
	}
}

// curve returns the percentiles of a plot: ten for each nine, as long as there are requests beyond.
func curve(n uint64) (percentiles []float64) {
	for tenths := range 51 {
		beyond := math.Pow(10, -float64(tenths)/10) // share of the requests that are slower
		if beyond*float64(n) < 1 {
			break
		}
		percentiles = append(percentiles, 100*(1-beyond))
	}
	return append(percentiles, 100)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// milliseconds formats a time for people, with three digits.
func milliseconds(d time.Duration) string { return showMS(ms(d)) }

func showMS(v float64) string {
	switch {
	case v >= 10_000:
		return strconv.FormatFloat(v/1000, 'f', 1, 64) + " s"
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64) + " ms"
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64) + " ms"
	}
	return strconv.FormatFloat(v, 'f', 2, 64) + " ms"
}

// writeText writes the report for people.
func (r *Report) writeText(w io.Writer) error {
	var text strings.Builder
	t := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	line := func(cells ...string) { fmt.Fprintln(t, strings.Join(cells, "\t")) }
	line("target", r.Method+" "+r.URL)
	if r.Rules != "" {
		line("", r.Rules)
	}
	line("", r.users())
	line("asked", r.asked())
	line("held", r.held())
	line("latency", latencyLine(r.Latency))
	if r.Latency.P99 > 2*r.Service.P99 {
		line("once sent", latencyLine(r.Service))
	}
	for i, s := range r.Statuses {
		line(first(i, "responses"), fmt.Sprintf("%d  %d (%.3g %%)", s.Status, s.Count, s.Percent))
	}
	line("errors", fmt.Sprintf("%d (%.3g %%)", r.Errors, r.ErrorShare))
	for _, f := range r.Failures {
		line("", fmt.Sprintf("%d × %s", f.Count, f.Reason))
	}
	for _, note := range r.notes() {
		line("note", note)
	}
	_ = t.Flush() // writes to memory
	r.writeHops(&text)
	r.writeSlowest(&text)
	for l := range strings.Lines(text.String()) { // the table pads its last column
		if _, err := fmt.Fprintln(w, strings.TrimRight(l, " \n")); err != nil {
			return err
		}
	}
	return nil
}

func first(i int, word string) string {
	if i == 0 {
		return word
	}
	return ""
}

func (r *Report) users() string {
	users := "a new connection for every request"
	if r.KeepAlive {
		users = "connections kept open"
	}
	return strings.Join(append([]string{users}, r.Headers...), ", ")
}

func (r *Report) asked() string {
	s := fmt.Sprintf("%s requests/s for %s", number(r.Rate), seconds(r.Seconds).Round(time.Millisecond))
	if r.RampTime > 0 {
		s += fmt.Sprintf(", climbing for the first %v: %.1f/s on average", seconds(r.RampTime), r.AskedRate)
	}
	return s
}

func (r *Report) held() string {
	return fmt.Sprintf("%.1f/s, %d of %d requests sent", r.HeldRate, r.Sent, r.Planned)
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func latencyLine(l Latency) string {
	return fmt.Sprintf("p50 %s  p75 %s  p90 %s  p95 %s  p99 %s  p99.9 %s  max %s",
		showMS(l.P50), showMS(l.P75), showMS(l.P90), showMS(l.P95), showMS(l.P99), showMS(l.P999), showMS(l.Max))
}

// notes returns the notes that a reader needs to interpret the figures.
func (r *Report) notes() []string {
	var notes []string
	if !r.Held {
		notes = append(notes, fmt.Sprintf("could not hold the rate: of %d requests %d were sent more than 100 ms late (the latest by %s) and %d never; the latencies count from when they were due",
			r.Planned, r.TooLate, showMS(r.Lateness.Max), r.Planned-min(r.Planned, r.Sent)))
	}
	if r.Early {
		note := fmt.Sprintf("ended early, after %v", seconds(r.Seconds).Round(time.Millisecond))
		if r.Interrupted > 0 {
			note += fmt.Sprintf("; %d requests in flight were given up", r.Interrupted)
		}
		notes = append(notes, note)
	}
	if r.Elsewhere > 0 {
		notes = append(notes, fmt.Sprintf("%d responses redirect to another host; they were not followed", r.Elsewhere))
	}
	for _, f := range r.FailIf {
		if f.Holds {
			notes = append(notes, "--fail-if holds: "+f.Text)
		}
	}
	return notes
}

// writeHops writes the table of versions.
func (r *Report) writeHops(w io.Writer) {
	if len(r.Hops) == 0 {
		return
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "\nhop\tversion\trequests\tshare\texpected\t\n")
	for _, h := range r.Hops {
		for i, v := range h.Versions {
			fmt.Fprintf(t, "%s\t%s\t%d\t%.1f %%\t%s\t%s\n", first(i, fmt.Sprintf("%d %s", h.Hop, printable(h.Service))), printable(v.Version),
				v.Requests, v.Percent, v.Expectation(), first(i, h.Fit()))
		}
	}
	_ = t.Flush() // writes to memory
}

// Expectation returns the expected share; "" if the rules do not determine it.
func (v VersionReport) Expectation() string {
	if v.Expected == nil {
		return ""
	}
	return fmt.Sprintf("%.1f %%", *v.Expected)
}

// Fit returns the verdict with its figures.
func (h HopReport) Fit() string {
	if h.P == nil || h.Degrees == 0 {
		return h.Verdict
	}
	return fmt.Sprintf("%s (χ² %.1f, %d degrees of freedom, p %.2g)", h.Verdict, h.ChiSquare, h.Degrees, *h.P)
}

// writeSlowest writes the slowest requests with their traces.
func (r *Report) writeSlowest(w io.Writer) {
	if len(r.Slowest) == 0 {
		return
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "\nslowest\tstatus\tdue at\ttrace\n")
	for _, s := range r.Slowest {
		fmt.Fprintf(t, "%s\t%s\t%v\t%s\n", showMS(s.Latency), s.Outcome(), seconds(s.At).Round(time.Millisecond), printable(s.TraceID))
	}
	_ = t.Flush() // writes to memory
}

// Outcome returns the status, or the failure.
func (s Slow) Outcome() string {
	if s.Failure != "" {
		return s.Failure
	}
	return strconv.Itoa(s.Status)
}

// printable quotes text of a response that has control characters, so that they do not reach the terminal.
func printable(s string) string {
	quoted := strconv.Quote(s)
	if quoted[1:len(quoted)-1] != s {
		return quoted
	}
	return s
}
