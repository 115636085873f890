package workload

import (
	"os"
	"os/exec"
	"syscall"
)

const suffix = "" // of the file name of a program

// killOnExit ties processes to the life of this one. macOS has nothing for it, so a guard does it.
type killOnExit struct{ guard *guard }

func newKillOnExit() (*killOnExit, error) {
	g, err := newGuard()
	return &killOnExit{guard: g}, err
}

// prepare gives the process a group of its own, so that Ctrl-C in the terminal reaches this process alone, which ends the others in order.
func (*killOnExit) prepare(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func (k *killOnExit) hold(p *os.Process) error { return k.guard.hold(p.Pid) }
func (k *killOnExit) release(p *os.Process)    { k.guard.release(p.Pid) }
func (k *killOnExit) close()                   { k.guard.close() }
