package workload

import (
	"time"

	"github.com/hopline/hopline/lab/mesh"
)

// State is what a pod is doing.
type State string

// The states in the order of a pod's life. Failing is a process that was ready once and says that it is not; BackOff one that has ended
// and waits to be started again.
const (
	Starting State = "starting"
	Ready    State = "ready"
	Failing  State = "failing"
	BackOff  State = "backoff"
	Stopping State = "stopping"
	Ended    State = "ended"
)

// Status is what is to be known of a pod at one moment.
type Status struct {
	mesh.Pod
	Deployment string // namespace/name
	Image      string // name of its program: "front"
	State      State
	Current    bool      // made from the template that was applied last
	Restarts   int       // how often its process was started again
	Reason     string    // what went wrong last: how its process ended, or why it is not ready; empty when nothing did
	Ended      string    // how its process ended last: "exited with code 2", "ended by signal: killed"; empty when none has ended
	LastLine   string    // what that process wrote last, of a JSON line its message; no reason for an end by a signal
	Started    time.Time // its process, or the zero time when none runs
	Again      time.Time // when its process is started again, in BackOff
	Process    int       // its number, 0 when none runs
	Admin      string    // loopback address of the admin port
}

// Deployment is what is to be known of a workload at one moment.
type Deployment struct {
	Name     string // namespace/name
	Replicas int    // wanted
	Ready    int    // of any template
	Current  int    // ready ones made from the template that was applied last
}

// Done reports whether all that is wanted is ready and nothing else is left.
func (d Deployment) Done() bool { return d.Current == d.Replicas && d.Ready == d.Replicas }
