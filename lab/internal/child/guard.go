//go:build unix

package child

import (
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"
)

// guard is a small shell that runs a little longer than this process, for systems where the kernel does not kill children with their
// parent. It reads which process groups exist. When its input ends, which happens when this process dies in any way, it kills those that
// are left.
type guard struct {
	cmd *exec.Cmd

	mu sync.Mutex // one line at a time
	in io.WriteCloser
}

// guardScript reads "+ 123" for a group that has started and "- 123" for one that has ended.
const guardScript = `
trap '' INT TERM HUP
groups=' '
while read -r sign group; do
	case $sign in
	+) groups="$groups$group " ;;
	-) groups="${groups%% $group *} ${groups#* $group }" ;;
	esac
done
for group in $groups; do kill -s KILL -- "-$group"; done
`

func newGuard() (*guard, error) {
	cmd := exec.Command("/bin/sh", "-c", guardScript)
	cmd.Env = []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting the guard: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the guard: %w", err)
	}
	return &guard{cmd: cmd, in: in}, nil
}

func (g *guard) hold(group int) error {
	if err := g.send("+", group); err != nil {
		return fmt.Errorf("sending process group %d to the guard: %w", group, err)
	}
	return nil
}

func (g *guard) release(group int) { _ = g.send("-", group) }

func (g *guard) send(sign string, group int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, err := fmt.Fprintln(g.in, sign, group)
	return err
}

// close ends the guard and kills all groups that it still holds.
func (g *guard) close() {
	_ = g.in.Close()
	_ = g.cmd.Wait()
}
