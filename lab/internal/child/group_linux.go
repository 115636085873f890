package child

import (
	"os"
	"os/exec"
	"syscall"
)

// Suffix is that of a program's file name.
const Suffix = ""

// Group holds processes, which are killed when this process ends. On Linux the kernel does it: Pdeathsig.
type Group struct{}

// NewGroup returns a group without processes. The caller must close it.
func NewGroup() (*Group, error) { return &Group{}, nil }

// prepare gives the process its own group, so that Ctrl-C in the terminal reaches only this process, which then stops the others in order.
func (*Group) prepare(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func (*Group) hold(*os.Process) error { return nil }
func (*Group) release(*os.Process)    {}

// Close ends the group.
func (*Group) Close() {}
