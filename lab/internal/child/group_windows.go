package child

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Suffix is that of a program's file name.
const Suffix = ".exe"

// Group holds processes, which are killed when this process ends. They are in a job object: Windows kills its processes when the last handle
// to it is closed.
type Group struct{ job windows.Handle }

// NewGroup returns a group without processes. The caller must close it.
func NewGroup() (*Group, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return nil, fmt.Errorf("creating a job object: %w", err)
	}
	info := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{
		BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{LimitFlags: windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE},
	}
	if _, err := windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info))); err != nil {
		return nil, fmt.Errorf("setting up the job object: %w", err)
	}
	return &Group{job: job}, nil
}

// prepare gives the process its own group, so that Ctrl-C in the console reaches only this process, and Terminate reaches only that one.
func (*Group) prepare(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}

func (g *Group) hold(p *os.Process) error {
	handle, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(p.Pid))
	if err != nil {
		return fmt.Errorf("opening process %d: %w", p.Pid, err)
	}
	defer func() { _ = windows.CloseHandle(handle) }()
	if err := windows.AssignProcessToJobObject(g.job, handle); err != nil {
		return fmt.Errorf("adding process %d to the job object: %w", p.Pid, err)
	}
	return nil
}

func (*Group) release(*os.Process) {}

// Close ends the group, and with it the processes in it.
func (g *Group) Close() { _ = windows.CloseHandle(g.job) }

// Terminate requests a process to end. Windows has no SIGTERM; Go's runtime turns Ctrl-Break into an interrupt.
func (p *Process) Terminate() {
	if err := windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(p.os.Pid)); err != nil {
		p.Kill() // there is no console to send it through
	}
}

// killRest does nothing: Windows has no process groups to kill. The job object ends what is left with this process.
func (p *Process) killRest() {}

// Kill kills a process immediately.
func (p *Process) Kill() { _ = p.os.Kill() }
