package show

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/console"
	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/tty"
)

// Trace holds the command line of `hopline trace`, for kong. Execute runs it.
type Trace struct {
	ID    string `arg:"" optional:"" help:"The trace to show. Without it: search the newest ones."`
	Other string `arg:"" optional:"" help:"A second trace, to compare both."`

	Service string        `short:"s" placeholder:"NAME" help:"Search: only traces with a span of this service."`
	Span    string        `placeholder:"NAME" help:"Search: only traces with a span of this name."`
	Min     time.Duration `placeholder:"TIME" help:"Search: only traces that took at least this long."`
	Tags    string        `placeholder:"TAGS" help:"Search: only traces with a span that has these tags: 'http.route=/hops error'."`
	Errors  bool          `short:"e" help:"Search: only traces with an error."`
	Limit   int           `short:"n" default:"30" help:"Search: at most this many, 1 to 200 (${default})."`
	JSON    bool          `name:"json" help:"Print the response of /api/traces as JSON; not for two traces."`

	current.Console
}

// Validate checks that the flags go together; kong calls it.
func (c *Trace) Validate() error {
	if c.Other != "" && c.JSON {
		return errors.New("--json: want one trace, got two")
	}
	return nil
}

// Execute prints the traces that fit, one trace with its spans and log lines, or the difference of two.
func (c *Trace) Execute(ctx context.Context, screen tty.Screen) error {
	switch {
	case c.ID == "":
		return c.search(ctx, screen)
	case c.JSON:
		return printJSON(ctx, c.ConsolePort, pathOf(c.ID), screen.Out)
	}
	first, err := c.detail(ctx, c.ID)
	if err != nil {
		return err
	}
	p := &page{Screen: screen}
	if c.Other == "" {
		p.waterfall(first)
		p.lines(first)
		return p.err
	}
	second, err := c.detail(ctx, c.Other)
	if err != nil {
		return err
	}
	p.difference(first, second)
	p.waterfall(first)
	p.print(tty.Text("\n"))
	p.waterfall(second)
	return p.err
}

func pathOf(id string) string { return "/api/traces/" + url.PathEscape(id) }

func (c *Trace) detail(ctx context.Context, id string) (d console.Detail, err error) {
	err = current.Call(ctx, c.ConsolePort, http.MethodGet, pathOf(id), nil, &d)
	return d, err
}

func (c *Trace) search(ctx context.Context, screen tty.Screen) error {
	query := url.Values{"limit": {strconv.Itoa(c.Limit)}}
	for name, value := range map[string]string{"service": c.Service, "span": c.Span, "tags": c.Tags} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if c.Min > 0 {
		query.Set("min", c.Min.String())
	}
	if c.Errors {
		query.Set("errors", "1")
	}
	path := "/api/traces?" + query.Encode()
	if c.JSON {
		return printJSON(ctx, c.ConsolePort, path, screen.Out)
	}
	var found []console.Summary
	if err := current.Call(ctx, c.ConsolePort, http.MethodGet, path, nil, &found); err != nil {
		return err
	}
	p := &page{Screen: screen}
	if len(found) == 0 {
		p.print(p.Paint(tty.Yellow, "! no trace matches\n"))
	}
	for _, s := range found {
		p.print(p.Paint(tty.Faint, time.UnixMicro(s.Start).Format(time.TimeOnly)), tty.Text(fmt.Sprintf("  %s  %8s  %s %s  ", s.ID, duration(s.Duration), s.Service, s.Title)),
			p.outcome(s), tty.Text("\n"))
	}
	return p.err
}

// outcome returns the status of a trace, the number of its failed spans, and whether a fault was injected. As on the page, a status of 400 to 499 is
// no failure of a service, and not well either.
func (p *page) outcome(s console.Summary) tty.Part {
	words := []string{s.Status}
	if s.Errors > 0 {
		words = append(words, fmt.Sprintf("%d of %d spans failed", s.Errors, s.Spans))
	}
	if s.Injected {
		words = append(words, "injected fault")
	}
	text := joined(words...)
	switch {
	case s.Errors > 0:
		return p.Paint(tty.Red, text)
	case s.Status >= "400":
		return tty.Text(text)
	}
	return p.Paint(tty.Green, text)
}

// waterfall prints the spans of a trace as a tree: when each began, how long it took, and how long the trace waited for its own work.
func (p *page) waterfall(d console.Detail) {
	p.print(p.Paint(tty.Bold, d.ID), tty.Text(fmt.Sprintf("  %s %s  %s  ", d.Service, d.Title, duration(d.Duration))), p.outcome(d.Summary), tty.Text("\n"))
	if d.Cause != "" {
		p.print(p.Paint(tty.Red, "  "+d.Cause+"\n"))
	}
	p.print(p.Paint(tty.Faint, fmt.Sprintf("  %9s %9s %9s\n", "begins", "takes", "waits for")))
	for _, row := range d.Rows {
		name := strings.TrimSpace(row.Service + " " + row.Version)
		text := fmt.Sprintf("  %9s %9s %9s  %s%s", "+"+duration(row.Start), duration(row.Duration), waited(row), strings.Repeat("  ", row.Depth), joined(name, row.Name, row.Status, row.Injected))
		if row.Error != "" {
			p.print(p.Paint(tty.Red, joined(text, strings.TrimPrefix(row.Error, "error"))+"\n"))
		} else {
			p.print(tty.Text(text + "\n"))
		}
	}
	if d.Cut > 0 {
		p.print(tty.Text(fmt.Sprintf("  and %d more spans\n", d.Cut)))
	}
}

// waited returns how long the whole trace waited for a span's own work; empty if it did not.
func waited(row console.Row) string {
	if own := row.Own(); own > 0 {
		return duration(own)
	}
	return ""
}

// lines prints the log lines of a trace.
func (p *page) lines(d console.Detail) {
	for i, line := range d.Logs {
		if i == 0 {
			p.title("logs")
		}
		p.print(tty.Text("  " + joined(line.Pod, strings.ToUpper(line.Level), tty.Continued(line.Message), tty.Continued(line.Fields)) + "\n"))
	}
}

// difference prints how long each of two traces waited for the own work of each version of each service.
func (p *page) difference(a, b console.Detail) {
	p.print(p.Paint(tty.Bold, fmt.Sprintf("%-24s %9s %9s %10s\n", "waits for", "trace 1", "trace 2", "difference")))
	var names []string
	sums := map[string]*[2]int64{}
	for i, d := range []console.Detail{a, b} {
		for _, row := range d.Rows {
			name := strings.TrimSpace(row.Service + " " + row.Version)
			if sums[name] == nil {
				names = append(names, name)
				sums[name] = new([2]int64)
			}
			sums[name][i] += row.Own()
		}
	}
	for _, name := range names {
		first, second := sums[name][0], sums[name][1]
		sign, more := "+", second-first
		if more < 0 {
			sign, more = "-", -more
		}
		p.print(tty.Text(fmt.Sprintf("%-24s %9s %9s %10s\n", name, duration(first), duration(second), sign+duration(more))))
	}
	p.print(tty.Text("\n"))
}
