//go:build unix

package workload

import "syscall"

// terminate sends SIGTERM to a process.
func (p *process) terminate() { _ = p.os.Signal(syscall.SIGTERM) }

// kill kills a process, and the processes that it has started, immediately.
func (p *process) kill() {
	if p.os.Signal(syscall.Signal(0)) == nil { // the process number, which is also the group's, is not reused yet
		_ = syscall.Kill(-p.os.Pid, syscall.SIGKILL)
	}
	_ = p.os.Kill()
}
