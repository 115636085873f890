//go:build unix

package child

import "syscall"

// Terminate sends SIGTERM to a process.
func (p *Process) Terminate() { _ = p.os.Signal(syscall.SIGTERM) }

// killRest kills what is left of the group of a process that has ended, as the end of a container's first process ends the container. A group
// keeps its number while a process is in it.
func (p *Process) killRest() { _ = syscall.Kill(-p.os.Pid, syscall.SIGKILL) }

// Kill kills a process, and the processes that it has started, immediately.
func (p *Process) Kill() {
	if p.os.Signal(syscall.Signal(0)) == nil { // the process number, which is also the group's, is not reused yet
		_ = syscall.Kill(-p.os.Pid, syscall.SIGKILL)
	}
	_ = p.os.Kill()
}
