//go:build unix

package workload

import "syscall"

// terminate asks a process to end.
func (p *process) terminate() { _ = p.os.Signal(syscall.SIGTERM) }

// kill ends a process, and what it may have started, at once.
func (p *process) kill() {
	if p.os.Signal(syscall.Signal(0)) == nil { // its number, which is also its group's, is not yet another's
		_ = syscall.Kill(-p.os.Pid, syscall.SIGKILL)
	}
	_ = p.os.Kill()
}
