//go:build unix

package child

import (
	"errors"
	"os/exec"
	"syscall"
	"testing"

	"github.com/hopline/hopline/lab/internal/await"
)

func TestGuardKillsWhatIsLeft(t *testing.T) {
	t.Parallel()
	g, err := newGuard()
	if err != nil {
		t.Fatal(err)
	}
	var sleepers []*exec.Cmd
	for range 3 {
		cmd := exec.Command("/bin/sh", "-c", "sleep 60 & wait")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		sleepers = append(sleepers, cmd)
		if err := g.hold(cmd.Process.Pid); err != nil {
			t.Fatal(err)
		}
	}
	g.release(sleepers[1].Process.Pid)
	g.close() // as the death of this process would
	for _, i := range []int{0, 2} {
		if err := sleepers[i].Wait(); err == nil || err.Error() != "signal: killed" {
			t.Errorf("process %d: %v, want it killed", i, err)
		}
	}
	if err := syscall.Kill(sleepers[1].Process.Pid, 0); err != nil {
		t.Errorf("the process that was released: %v, want it running", err)
	}
	_ = syscall.Kill(-sleepers[1].Process.Pid, syscall.SIGKILL)
	_ = sleepers[1].Wait()
	for _, s := range sleepers {
		await.That(t, "the process group has no member", func() bool { return errors.Is(syscall.Kill(-s.Process.Pid, 0), syscall.ESRCH) })
	}
}
