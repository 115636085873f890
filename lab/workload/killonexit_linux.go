package workload

import (
	"os"
	"os/exec"
	"syscall"
)

const suffix = "" // of the file name of a program

// killOnExit ties processes to the life of this one. On Linux the kernel does it: Pdeathsig.
type killOnExit struct{}

func newKillOnExit() (*killOnExit, error) { return &killOnExit{}, nil }

// prepare gives the process a group of its own, so that Ctrl-C in the terminal reaches this process alone, which ends the others in order.
func (*killOnExit) prepare(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func (*killOnExit) hold(*os.Process) error { return nil }
func (*killOnExit) release(*os.Process)    {}
func (*killOnExit) close()                 {}
