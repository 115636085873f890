package show

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/nearest"
	"github.com/hopline/hopline/lab/internal/tty"
	"github.com/hopline/hopline/lab/traffic"
)

// Series holds the command line of `hopline series`, for kong. Execute runs it.
type Series struct {
	Service string        `short:"s" placeholder:"NAME" help:"Only this service (middle) or workload (middle-canary)."`
	Last    time.Duration `default:"5m" placeholder:"TIME" help:"How far back, 5s to 15m (${default})."`
	JSON    bool          `name:"json" help:"Print the figures of each 5 s as JSON, as /api/series has them."`

	current.Console
}

// Validate checks the flags; kong calls it.
func (c *Series) Validate() error {
	if longest := traffic.Buckets * traffic.BucketLength; c.Last < traffic.BucketLength || c.Last > longest {
		return fmt.Errorf("--last: want %s to %s, got %s", briefly(traffic.BucketLength), briefly(longest), briefly(c.Last))
	}
	return nil
}

// Execute prints the requests, errors and latencies of each version over the last minutes, what happened meanwhile, and requests whose traces
// are recorded.
func (c *Series) Execute(ctx context.Context, screen tty.Screen) error {
	since := time.Now().Add(time.Millisecond - c.Last - traffic.BucketLength).UnixMilli() // the current bucket has not ended, and is not returned
	var w traffic.Window
	if err := current.Call(ctx, c.ConsolePort, http.MethodGet, "/api/series?since="+strconv.FormatInt(since, 10), nil, &w); err != nil {
		return err
	}
	services := servicesOf(w)
	narrow(&w, c.Service)
	if c.JSON {
		return tty.WriteJSON(screen.Out, w)
	}
	p := &page{Screen: screen}
	if len(w.Lines) == 0 {
		text := "! no requests in the last " + briefly(c.Last)
		if c.Service != "" {
			text = fmt.Sprintf("! no requests of %s in the last %s%s", c.Service, briefly(c.Last), nearest.DidYouMean(c.Service, services))
		}
		p.print(p.Paint(tty.Yellow, text+"\n"))
	}
	p.figures(w)
	p.marks(w.Marks)
	p.examples(w.Lines)
	return p.err
}

// briefly returns a duration without the units that are 0: "5m".
func briefly(d time.Duration) string {
	text := d.String()
	for _, end := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, end) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// servicesOf returns the names of the services and workloads that have figures.
func servicesOf(w traffic.Window) (names []string) {
	for _, l := range w.Lines {
		names = append(names, l.Service)
		if l.Workload != "" {
			names = append(names, l.Workload)
		}
	}
	return names
}

// narrow keeps the marks of the time of the window and, if a service is named, only what concerns it.
func narrow(w *traffic.Window, service string) {
	of := map[string]bool{service: true, "": true} // a mark without a service concerns all
	if service != "" {
		w.Lines = slices.DeleteFunc(w.Lines, func(l traffic.LineWindow) bool { return l.Service != service && l.Workload != service })
		for _, l := range w.Lines {
			of[l.Service] = true
		}
	}
	w.Marks = slices.DeleteFunc(w.Marks, func(m traffic.Mark) bool { return m.At < w.Begin || service != "" && !of[m.Service] })
}

// figures prints a line for each version. A terminal also gets a plot of its requests, in which the versions of a service have one scale.
func (p *page) figures(w traffic.Window) {
	if len(w.Lines) == 0 || p.err != nil {
		return
	}
	end := w.Begin + int64(w.Buckets)*w.Every
	step := time.Duration(w.Every) * time.Millisecond
	p.print(p.Paint(tty.Bold, fmt.Sprintf("%s to %s", clock(w.Begin), clock(end))), tty.Text(fmt.Sprintf("; p50 and p99 are the highest of %s\n", step)))
	most := map[[2]string]float64{}
	for _, l := range w.Lines {
		of := [2]string{l.Namespace, l.Service}
		most[of] = max(most[of], slices.Max(columns(l.Requests)))
	}
	table := tabwriter.NewWriter(p.Out, 0, 0, 2, ' ', 0)
	plot := ""
	if p.TTY {
		plot = "\t"
	}
	fmt.Fprintf(table, "  \t%srequests\terrors\tp50\tp99\n", plot)
	for _, l := range w.Lines {
		if p.TTY {
			plot = sparkline(columns(l.Requests), most[[2]string{l.Namespace, l.Service}]) + "\t"
		}
		all, failed := sum(l.Requests), sum(l.Errors)
		fmt.Fprintf(table, "  %s\t%s%.1f/s\t%s\t%s\t%s\n", lineName(l.Line), plot, all/(step.Seconds()*float64(w.Buckets)), percent(failed/all),
			duration(slices.Max(l.P50)), duration(slices.Max(l.P99)))
	}
	if err := table.Flush(); p.err == nil {
		p.err = err
	}
	if w.LeftOut > 0 {
		p.print(p.Paint(tty.Yellow, fmt.Sprintf("! %d more are not counted\n", w.LeftOut)))
	}
}

// lineName returns the name of a version: "hopline/middle canary".
func lineName(l traffic.Line) string {
	name := strings.TrimSpace(l.Service + " " + l.Version)
	if l.Namespace != "" {
		name = l.Namespace + "/" + name
	}
	if l.Workload == "" {
		name += " (no workload)"
	}
	return name
}

func sum(values []uint32) (all float64) {
	for _, v := range values {
		all += float64(v)
	}
	return all
}

// clock returns a time of day from milliseconds since 1970.
func clock(ms int64) string { return time.UnixMilli(ms).Format(time.TimeOnly) }

// plotWidth is the number of columns of a plot.
const plotWidth = 20

// columns returns the mean of the buckets of each column of a plot, at most plotWidth.
func columns(values []uint32) []float64 {
	n := min(plotWidth, len(values))
	out := make([]float64, n)
	for i := range out {
		part := values[i*len(values)/n : (i+1)*len(values)/n]
		out[i] = sum(part) / float64(len(part))
	}
	return out
}

// sparkline returns a plot of one line of text: a block of one to eight eighths for each column, and a blank for 0.
func sparkline(columns []float64, most float64) string {
	const blocks = " ▁▂▃▄▅▆▇█"
	var b strings.Builder
	for _, v := range columns {
		b.WriteRune([]rune(blocks)[int(math.Ceil(8*v/max(most, v, 1e-9)))])
	}
	return b.String()
}

// marks prints what may explain a change of the figures.
func (p *page) marks(marks []traffic.Mark) {
	for i, m := range marks {
		if i == 0 {
			p.title("marks")
		}
		p.print(p.Paint(tty.Faint, "  "+clock(m.At)), tty.Text("  "+joined(string(m.Kind), m.Service, tty.Continued(m.Text))+"\n"))
	}
}

// maxExamples bounds the printed requests: so many failed ones, and so many others.
const maxExamples = 10

// examples prints the newest failed request and the slowest other one of each version, with their traces.
func (p *page) examples(lines []traffic.LineWindow) {
	type request struct {
		traffic.Example
		name string
	}
	var failed, slow []request
	for _, l := range lines {
		var newest, slowest request
		for _, e := range l.Examples {
			if e.Failed && e.At >= newest.At {
				newest = request{e, lineName(l.Line)}
			} else if !e.Failed && e.Took > slowest.Took {
				slowest = request{e, lineName(l.Line)}
			}
		}
		failed, slow = append(failed, newest), append(slow, slowest)
	}
	slices.SortStableFunc(failed, func(a, b request) int { return cmp.Compare(b.At, a.At) })
	slices.SortStableFunc(slow, func(a, b request) int { return cmp.Compare(b.Took, a.Took) })
	shown := slices.Concat(failed[:min(maxExamples, len(failed))], slow[:min(maxExamples, len(slow))])
	shown = slices.DeleteFunc(shown, func(r request) bool { return r.Trace == "" })
	for i, r := range shown {
		if i == 0 {
			p.title("failed and slow requests; hopline trace ID shows one")
		}
		text := fmt.Sprintf("  %s  %s  %8s  %s", clock(r.At), r.Trace, duration(r.Took), joined(r.name, statusOf(r.Example)))
		if r.Failed {
			p.print(p.Paint(tty.Red, text+"\n"))
		} else {
			p.print(tty.Text(text + "\n"))
		}
	}
}

func statusOf(e traffic.Example) string {
	if e.Status == 0 {
		return "no response"
	}
	return strconv.Itoa(e.Status)
}
