package workload

import (
	"os"
	"os/exec"
	"syscall"
)

const suffix = "" // of a program's file name

// killOnExit kills the child processes when this process ends. macOS has no call for that, so a guard does it.
type killOnExit struct{ guard *guard }

func newKillOnExit() (*killOnExit, error) {
	g, err := newGuard()
	return &killOnExit{guard: g}, err
}

// prepare gives the process its own group, so that Ctrl-C in the terminal reaches only this process, which then stops the others in order.
func (*killOnExit) prepare(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func (k *killOnExit) hold(p *os.Process) error { return k.guard.hold(p.Pid) }
func (k *killOnExit) release(p *os.Process)    { k.guard.release(p.Pid) }
func (k *killOnExit) close()                   { k.guard.close() }
