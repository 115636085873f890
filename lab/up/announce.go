package up

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/internal/bundle"
	"github.com/hopline/hopline/lab/internal/tty"
	"github.com/hopline/hopline/lab/mesh"
)

// purposes describes what each address serves.
var purposes = map[string]string{
	"Page":    "press Hops",
	"Ingress": "the ingress gateway",
	"Console": "workloads, rules, traces; /sd and /metrics for Prometheus",
	"Zipkin":  "Zipkin's API",
	"OTLP":    "OTLP over HTTP",
}

// announce prints that the lab is ready, its addresses, what of the overlay it does not enforce, and what to do next.
func (l *lab) announce(first edition, took time.Duration) {
	l.mu.Lock()
	links := l.edition.Links
	l.mu.Unlock()
	wide := 0
	for _, link := range links {
		wide = max(wide, len(link.URL))
	}
	parts := []tty.Part{tty.Text(fmt.Sprintf("\nReady in %.2f s.\n\n", took.Seconds()))}
	for _, link := range links {
		purpose := strings.Repeat(" ", wide-len(link.URL)) + "  " + purposes[link.Name]
		if s := l.terminal.screen; s.TTY && len("  Console  ")+len(link.URL)+len(purpose) > s.Wide {
			purpose = ""
		}
		parts = append(parts, tty.Text(fmt.Sprintf("  %-8s ", link.Name)), l.terminal.screen.Paint(tty.Bold, link.URL), tty.Text(purpose+"\n"))
	}
	l.terminal.print(parts...)
	for _, note := range first.shortNotes() {
		l.terminal.note("%s", note)
	}
	l.terminal.say("%s Ctrl-C stops everything.", whatToEdit(l.options.Overlay, first))
}

// whatToEdit suggests a file of the overlay's own directory to edit: one with weights if there is one, else any.
func whatToEdit(dir string, e edition) string {
	if e.overlay.Lenience != nil {
		return "Edit a file and save: it is live immediately."
	}
	if bundle.Carries(e.overlay.Dir) {
		return "This overlay is in the program hopline. To edit it: hopline init DIR, and hopline up DIR."
	}
	var own []string
	for _, file := range e.overlay.Files {
		if filepath.Dir(file) == e.overlay.Dir && !strings.HasPrefix(filepath.Base(file), "kustomization.") {
			own = append(own, file)
		}
	}
	slices.Sort(own)
	weighted := slices.IndexFunc(own, func(file string) bool {
		text, err := os.ReadFile(file)
		return err == nil && strings.Contains(string(text), "weight:")
	})
	switch {
	case e.table.NoMesh() || len(own) == 0:
		return fmt.Sprintf("Edit a file of %s and save: it is live immediately.", dir)
	case weighted < 0:
		return fmt.Sprintf("Edit %s and save: it is live immediately.", filepath.Join(dir, filepath.Base(own[0])))
	}
	return fmt.Sprintf("Edit %s, save, and watch the traffic shift.", filepath.Join(dir, filepath.Base(own[weighted])))
}

// sharesChanged returns a line for each rule whose shares differ from those before: "middle everybody: prod 80 → 10, canary 20 → 90".
func sharesChanged(before, now []mesh.Rule) []string {
	var lines []string
	for _, rule := range now {
		i := slices.IndexFunc(before, func(r mesh.Rule) bool {
			return r.Object == rule.Object && r.Name == rule.Name && r.Callers == rule.Callers
		})
		if i < 0 {
			continue
		}
		if changes := shareChanges(before[i].Shares, rule.Shares); len(changes) > 0 {
			name := rule.Object[strings.LastIndexByte(rule.Object, '/')+1:]
			lines = append(lines, fmt.Sprintf("%s %s: %s", name, rule.Name, strings.Join(changes, ", ")))
		}
	}
	return lines
}

// shareChanges returns the destinations of a rule whose share has changed, including those that were removed.
func shareChanges(before, now []mesh.Share) []string {
	was, is := shareNames(before), shareNames(now)
	var changes []string
	for _, s := range append(slices.Clone(now), before...) {
		name := shareName(s)
		change := fmt.Sprintf("%s %s → %s", name, percent(was[name]), percent(is[name]))
		if percent(was[name]) != percent(is[name]) && !slices.Contains(changes, change) {
			changes = append(changes, change)
		}
	}
	return changes
}

// shareNames returns the percentages by destination.
func shareNames(shares []mesh.Share) map[string]float64 {
	named := map[string]float64{}
	for _, s := range shares {
		named[shareName(s)] += s.Percent
	}
	return named
}

// shareName returns a destination's subset, or its host.
func shareName(s mesh.Share) string {
	short, _, _ := strings.Cut(s.Cluster.Host, ".")
	return cmp.Or(s.Cluster.Subset, short)
}

// percent formats a percentage with at most one decimal.
func percent(p float64) string { return fmt.Sprintf("%g", math.Round(p*10)/10) }
