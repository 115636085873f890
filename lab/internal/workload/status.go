package workload

import (
	"time"

	"github.com/hopline/hopline/lab/mesh"
)

// State is the state of a pod.
type State string

// The states in the order of a pod's life. Failing means that a process was ready once and is not now. BackOff means that a process has
// ended and waits for its restart.
const (
	Starting State = "starting"
	Ready    State = "ready"
	Failing  State = "failing"
	BackOff  State = "backoff"
	Stopping State = "stopping"
	Ended    State = "ended"
)

// Status holds the status of a pod at one moment.
type Status struct {
	mesh.Pod
	Deployment string // namespace/name
	Image      string // program name: "front"
	State      State
	Current    bool      // made from the template that was applied last
	Restarts   int       // how many times its process was restarted
	Reason     string    // the last failure: how its process ended, or why it is not ready; empty if there was none
	Ended      string    // how its process ended last: "exited with code 2", "ended by signal: killed"; empty if none has ended
	LastLine   string    // the last line of that process, for JSON its message; not the reason if a signal ended it
	Started    time.Time // when its process started; zero if none runs
	Again      time.Time // when its process is restarted, in BackOff
	Process    int       // process id, 0 if none runs
	Admin      string    // loopback address of the admin port
}

// Deployment holds the status of a workload at one moment.
type Deployment struct {
	Name     string // namespace/name
	Replicas int    // wanted
	Ready    int    // of any template
	Current  int    // ready ones made from the template that was applied last
}

// Done reports whether all wanted pods are ready and no others are left.
func (d Deployment) Done() bool { return d.Current == d.Replicas && d.Ready == d.Replicas }
