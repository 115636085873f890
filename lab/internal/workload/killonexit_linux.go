package workload

import (
	"os"
	"os/exec"
	"syscall"
)

const suffix = "" // of a program's file name

// killOnExit kills the child processes when this process ends. On Linux the kernel does it: Pdeathsig.
type killOnExit struct{}

func newKillOnExit() (*killOnExit, error) { return &killOnExit{}, nil }

// prepare gives the process its own group, so that Ctrl-C in the terminal reaches only this process, which then stops the others in order.
func (*killOnExit) prepare(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func (*killOnExit) hold(*os.Process) error { return nil }
func (*killOnExit) release(*os.Process)    {}
func (*killOnExit) close()                 {}
