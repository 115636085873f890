package workload

import (
	"os"
	"os/exec"
	"syscall"
)

const suffix = "" // of the file name of a program

// leash ties processes to the life of this one. macOS has nothing for it, so a guard does it.
type leash struct{ guard *guard }

func newLeash() (*leash, error) {
	g, err := newGuard()
	return &leash{guard: g}, err
}

// prepare gives the process a group of its own, so that Ctrl-C in the terminal reaches this process alone, which ends the others in order.
func (*leash) prepare(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func (l *leash) hold(p *os.Process) error { return l.guard.hold(p.Pid) }
func (l *leash) release(p *os.Process)    { l.guard.release(p.Pid) }
func (l *leash) close()                   { l.guard.close() }
