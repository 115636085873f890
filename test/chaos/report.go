//go:build linux

package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"
)

// row is a fault's line in the table.
type row struct {
	fault, setting, claim string
	took                  time.Duration
	done                  injected
	outcomes              []outcome
	broken                []string // the broken parts of the claim
	void                  string   // why the run proves nothing, whatever is broken; empty if it is valid
}

// verdict returns whether the claim held, as text.
func (r row) verdict() string {
	switch {
	case r.void != "":
		return "VOID"
	case len(r.broken) > 0:
		return "BROKEN"
	}
	return "held"
}

// why lists the errors of failed requests, the most frequent first.
func (r row) why() []string {
	counts := map[string]int{}
	for _, o := range r.outcomes {
		if o.why != "" {
			counts[o.why]++
		}
	}
	var reasons []string
	for _, why := range slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	}) {
		reasons = append(reasons, fmt.Sprintf("%d × %s", counts[why], why))
	}
	return reasons
}

// slowest returns the duration of the slowest response.
func (r row) slowest() time.Duration {
	var slowest time.Duration
	for _, o := range r.outcomes {
		slowest = max(slowest, o.took)
	}
	return slowest
}

// String returns the row as it is printed during the campaign.
func (r row) String() string {
	return fmt.Sprintf("%s: %d times in %.0f s, %d requests, %d failed, claim %s", r.fault, r.done.times, r.took.Seconds(), len(r.outcomes), failures(r.outcomes), r.verdict())
}

// report prints the table. Further notes on a row follow below it, in the last column.
func report(out io.Writer, rows []row) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "fault\toverlay\ttimes\tseconds\trequests\tfailed\tslowest\tclaim\twhy, and what else was seen")
	for _, r := range rows {
		fmt.Fprintf(table, "%s\t%s\t%d\t%.0f\t%d\t%d\t%.2f s\t%s: %s", r.fault, r.setting, r.done.times, r.took.Seconds(),
			len(r.outcomes), failures(r.outcomes), r.slowest().Seconds(), r.verdict(), r.claim)
		lines := append(r.why(), r.done.notes...)
		if r.void != "" {
			lines = append(lines, "VOID: "+r.void)
		}
		for _, b := range r.broken {
			lines = append(lines, "BROKEN: "+b)
		}
		if len(lines) == 0 {
			lines = []string{"-"}
		}
		before := "\t"
		for _, line := range lines {
			fmt.Fprint(table, before, line, "\n")
			before = "\t\t\t\t\t\t\t\t"
		}
	}
	_ = table.Flush() // it writes to the terminal: an error could not be shown
}
