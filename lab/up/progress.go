package up

import (
	"fmt"
	"strings"

	"github.com/hopline/hopline/lab/internal/workload"
)

// progress shows the state of the workloads: during the start on the terminal's board, later as a line for each rolling update.
type progress struct {
	terminal *terminal
	states   map[string]string // shown last, by workload
	begun    bool              // every workload was ready once
}

func newProgress(t *terminal) *progress { return &progress{terminal: t, states: map[string]string{}} }

// show prints what has changed and reports whether all wanted pods are ready.
func (p *progress) show(deployments []workload.Deployment, pods []workload.Status) bool {
	all := true
	var board []row
	for _, d := range deployments {
		state := stateOf(d, pods)
		all = all && d.Done()
		before := p.states[d.Name]
		p.states[d.Name] = state
		board = append(board, row{d.Name, state, d.Done(), strings.HasPrefix(state, "failing")})
		if p.begun && state != before && (state == "updating" || before == "updating" && d.Done()) {
			p.terminal.note("%s: %s", d.Name, state)
		}
	}
	if !p.begun {
		p.terminal.show(board)
	}
	if all && !p.begun {
		p.begun = true
		p.terminal.started()
	}
	return all
}

// stateOf describes the state of a workload in a few words.
func stateOf(d workload.Deployment, pods []workload.Status) string {
	if d.Done() {
		if d.Replicas == 1 {
			return "ready"
		}
		return fmt.Sprintf("%d ready", d.Replicas)
	}
	for _, p := range pods {
		if p.Deployment == d.Name && p.State == workload.BackOff {
			return "failing: " + p.Reason
		}
	}
	for _, p := range pods {
		if p.Deployment == d.Name && !p.Current && p.State != workload.Stopping {
			return "updating"
		}
	}
	for _, p := range pods {
		if p.Deployment == d.Name && p.State != workload.Stopping && !p.Ready && p.Reason != "" {
			return "starting: " + p.Reason
		}
	}
	if d.Current == 0 {
		return "starting"
	}
	return fmt.Sprintf("starting, %d of %d ready", d.Current, d.Replicas)
}
