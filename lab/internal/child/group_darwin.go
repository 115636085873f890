package child

import (
	"os"
	"os/exec"
	"syscall"
)

// Suffix is that of a program's file name.
const Suffix = ""

// Group holds processes, which are killed when this process ends. macOS has no call for that, so a guard does it.
type Group struct{ guard *guard }

// NewGroup returns a group without processes. The caller must close it.
func NewGroup() (*Group, error) {
	guard, err := newGuard()
	return &Group{guard: guard}, err
}

// prepare gives the process its own group, so that Ctrl-C in the terminal reaches only this process, which then stops the others in order.
func (*Group) prepare(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func (g *Group) hold(p *os.Process) error { return g.guard.hold(p.Pid) }
func (g *Group) release(p *os.Process)    { g.guard.release(p.Pid) }

// Close ends the group, and with it the processes in it.
func (g *Group) Close() { g.guard.close() }
