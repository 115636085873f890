package workload

import (
	"os"
	"os/exec"
	"syscall"
)

const suffix = "" // of the file name of a program

// leash ties processes to the life of this one. On Linux the kernel does it: Pdeathsig.
type leash struct{}

func newLeash() (*leash, error) { return &leash{}, nil }

// prepare gives the process a group of its own, so that Ctrl-C in the terminal reaches this process alone, which ends the others in order.
func (*leash) prepare(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func (*leash) hold(*os.Process) error { return nil }
func (*leash) release(*os.Process)    {}
func (*leash) close()                 {}
