package show

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/hopline/hopline/lab/console"
	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/tty"
	"github.com/hopline/hopline/lab/internal/workload"
)

// Status holds the command line of `hopline status`, for kong. Execute runs it.
type Status struct {
	JSON bool `name:"json" help:"Print the state as JSON, as /api/state has it."`

	current.Console
}

// Execute prints the overlay that runs, the problems of its newest edit, its rules with the configured and the observed shares, the workloads,
// the ejected endpoints and the temporary changes.
func (c *Status) Execute(ctx context.Context, screen tty.Screen) error {
	const path = "/api/state"
	if c.JSON {
		return printJSON(ctx, c.ConsolePort, path, screen.Out)
	}
	var state console.State
	if err := current.Call(ctx, c.ConsolePort, http.MethodGet, path, nil, &state); err != nil {
		return err
	}
	p := &page{Screen: screen}
	p.head(state)
	p.rules(state.Rules)
	p.workloads(state.Workloads)
	p.ejections(state)
	p.changes(state)
	return p.err
}

// page prints a state. The first error of the output ends it.
type page struct {
	tty.Screen
	err error
}

func (p *page) print(parts ...tty.Part) {
	if p.err == nil {
		p.err = p.Out.Print(parts...)
	}
}

func (p *page) title(text string) { p.print(p.Paint(tty.Bold, "\n"+text+"\n")) }

func (p *page) head(s console.State) {
	p.print(p.Paint(tty.Bold, "overlay "+s.Edition), tty.Text(fmt.Sprintf(", revision %d\n", s.Revision)))
	if s.Plain {
		p.print(tty.Text("There is no mesh, so that requests are not counted.\n"))
	}
	if len(s.Problems) > 0 {
		p.print(p.Paint(tty.Red, "The newest edit does not run:\n"))
	}
	for _, problem := range s.Problems {
		var parts []string
		for _, part := range []string{problem.Place, problem.Object, problem.Path, problem.Reason} {
			if part != "" {
				parts = append(parts, part)
			}
		}
		p.print(p.Paint(tty.Red, "  "+strings.Join(parts, ": ")+"\n"))
	}
}

// rules prints each rule with the share of each version: the configured one, and the one of the requests so far.
func (p *page) rules(rules []console.Rule) {
	object := ""
	for i, rule := range rules {
		if i == 0 {
			p.title("rules")
		}
		if rule.Object != object {
			object = rule.Object
			p.print(tty.Text("  " + object + "\n"))
		}
		conditions := "every request"
		if len(rule.Matches) > 0 {
			conditions = strings.Join(rule.Matches, ", or ")
		}
		p.print(tty.Text("    "), p.Paint(tty.Bold, rule.Name), tty.Text("  "+joined(conditions, strings.Join(rule.Does, ", "), rule.Callers)+"\n"))
		for _, part := range rule.Parts {
			p.print(tty.Text("      " + partWords(part, rule.Requests) + "\n"))
		}
		for _, failure := range rule.Failures {
			p.print(p.Paint(tty.Red, fmt.Sprintf("      %d failed: %s\n", failure.Requests, failure.Why)))
		}
	}
}

// partWords returns the configured and the observed share of a version.
func partWords(part console.Part, requests uint64) string {
	configured := percent(part.Configured)
	switch {
	case part.Even:
		configured = "an even share, " + configured
	case part.Configured == 0:
		configured = "no share configured"
	}
	observed := "no requests"
	if requests > 0 {
		observed = fmt.Sprintf("observed %s of %d requests", percent(float64(part.Requests)/float64(requests)), requests)
	}
	return fmt.Sprintf("%s: %s; %s", strings.TrimSpace(part.Service+" "+part.Version), configured, observed)
}

// workloads prints a line for each workload, and one for each pod that is not ready.
func (p *page) workloads(workloads []console.Workload) {
	if len(workloads) == 0 || p.err != nil {
		return
	}
	p.title("workloads")
	table := tabwriter.NewWriter(p.Out, 0, 0, 2, ' ', 0)
	for _, w := range workloads {
		traffic := ""
		if w.Rate.PerSecond > 0 {
			traffic = fmt.Sprintf("%.1f/s\t%s errors\t%s", w.Rate.PerSecond, percent(w.Rate.Errors), duration(int64(1000*w.Rate.MeanMS)))
		}
		fmt.Fprintf(table, "  %s\t%d of %d ready\t%d restarts\t%s\n", w.Name, w.Ready, w.Replicas, w.Restarts, traffic)
	}
	p.err = table.Flush()
	for _, w := range workloads {
		for _, pod := range w.Pods {
			if pod.State != workload.Ready {
				p.print(p.Paint(tty.Yellow, "  "+joined(pod.Name, string(pod.State), pod.Reason, pod.LastLine)+"\n"))
			}
		}
	}
}

func (p *page) ejections(s console.State) {
	for i, e := range s.Ejections {
		if i == 0 {
			p.title("ejected")
		}
		p.print(p.Paint(tty.Yellow, fmt.Sprintf("  %s by %s until %s: %s\n", e.Endpoint(), e.Caller, e.Until.Local().Format(time.TimeOnly), e.Why)))
	}
}

func (p *page) changes(s console.State) {
	for i, change := range s.Changes {
		if i == 0 {
			p.title("temporary changes; hopline drive undo all")
		}
		p.print(tty.Text(fmt.Sprintf("  %s  %s: %s\n", change.ID, change.Target, change.Text)))
	}
}
