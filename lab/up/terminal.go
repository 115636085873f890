package up

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/hopline/hopline/lab/internal/podlog"
	"github.com/hopline/hopline/lab/internal/tty"
)

// maxQueued bounds the output that is queued for a screen that blocks.
const maxQueued = 4096

// terminal writes to the screen in order, from its own goroutine, so that callers never wait for a terminal that was stopped. It drops
// output that does not fit in the queue, and counts it.
type terminal struct {
	screen  tty.Screen
	logs    Logs
	queue   chan func()
	dropped atomic.Int64 // what did not fit in the queue, since the last line about it
	done    chan struct{}

	// The fields below are used only by the goroutine.
	board []row          // one line per workload, shown during the start
	drawn int            // lines of the board on the screen
	hue   map[string]int // colour index by workload, for followed logs
}

func newTerminal(s tty.Screen, logs Logs) *terminal {
	t := &terminal{screen: s, logs: logs, queue: make(chan func(), maxQueued), done: make(chan struct{}), hue: map[string]int{}}
	go t.run()
	return t
}

func (t *terminal) run() {
	defer close(t.done)
	for say := range t.queue {
		say()
		if n := t.dropped.Swap(0); n > 0 {
			t.line(t.screen.Paint(tty.Yellow, fmt.Sprintf("! %d lines were not shown: the terminal is too slow", n)))
		}
	}
}

// close writes what is queued, but waits at most one second for a screen that blocks.
func (t *terminal) close() {
	close(t.queue)
	select {
	case <-t.done:
	case <-time.After(time.Second):
	}
}

func (t *terminal) post(say func()) {
	select {
	case t.queue <- say:
	default:
		t.dropped.Add(1)
	}
}

// say prints a line.
func (t *terminal) say(format string, args ...any) {
	t.post(func() { t.line(tty.Text(t.fold(fmt.Sprintf(format, args...)))) })
}

// fold breaks long lines of a text between words at the width of the terminal.
func (t *terminal) fold(text string) string {
	if !t.screen.TTY || t.screen.Wide < 1 {
		return text
	}
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if utf8.RuneCountInString(line) <= t.screen.Wide {
			lines = append(lines, line)
			continue
		}
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		lines = append(lines, tty.Fold(line, t.screen.Wide, indent, indent+"  ")...)
	}
	return strings.Join(lines, "\n")
}

// print prints a line of several parts.
func (t *terminal) print(parts ...tty.Part) {
	t.post(func() { t.line(parts...) })
}

// note prints a line of lower importance.
func (t *terminal) note(format string, args ...any) {
	t.post(func() { t.line(t.screen.Paint(tty.Faint, t.fold(fmt.Sprintf(format, args...)))) })
}

// warn prints highlighted lines.
func (t *terminal) warn(format string, args ...any) {
	t.post(func() {
		for i, line := range strings.Split(fmt.Sprintf(format, args...), "\n") {
			mark := "! "
			if i > 0 {
				mark = "  "
			}
			t.line(t.screen.Paint(tty.Yellow, t.fold(mark+line)))
		}
	})
}

// follow prints a line of a process's output if --logs selects it.
func (t *terminal) follow(line podlog.Line) {
	if !t.logs.wants(line.Deployment) {
		return
	}
	t.post(func() {
		hue, ok := t.hue[line.Deployment]
		if !ok {
			hue = len(t.hue)
			t.hue[line.Deployment] = hue
		}
		t.line(t.screen.Paint(hues[hue%len(hues)], line.Source()+" |"), tty.Text(" "+tty.Continued(t.logs.text(line))))
	})
}

// row is the line of one workload on the board.
type row struct {
	name   string
	state  string
	ready  bool
	failed bool
}

// show draws the board with the starting workloads below the other output. It draws nothing without a TTY, or on one that is too small.
func (t *terminal) show(rows []row) {
	t.post(func() {
		if t.screen.TTY && len(rows)+2 <= t.screen.High {
			t.board = rows
			t.write()
		}
	})
}

// started leaves the board on the screen and continues below it.
func (t *terminal) started() {
	t.post(func() { t.board, t.drawn = nil, 0 })
}

// line prints one line above the board.
func (t *terminal) line(parts ...tty.Part) { t.write(append(parts, tty.Text("\n"))...) }

// write replaces the board with text and redraws the board below it, in one write so that nothing flickers.
func (t *terminal) write(text ...tty.Part) {
	var parts []tty.Part
	if t.drawn > 0 {
		parts = append(parts, tty.Up(t.drawn))
	}
	parts = append(parts, text...)
	width := 0
	for _, r := range t.board {
		width = max(width, len(r.name))
	}
	for _, r := range t.board {
		mark, style := "·", tty.Faint
		if r.ready {
			mark, style = "✓", tty.Green
		} else if r.failed {
			mark, style = "!", tty.Yellow
		}
		line := cut(tty.Escape(fmt.Sprintf("%s %-*s  %s", mark, width, r.name, r.state)), t.screen.Wide-3)
		parts = append(parts, tty.Text("  "), t.screen.Paint(style, line), tty.Text("\n"))
	}
	t.drawn = len(t.board)
	_ = t.screen.Out.Print(parts...) // nothing can be done about a terminal that fails
}

// hues are the colours that distinguish the workloads in followed logs.
var hues = [...]tty.Style{tty.Cyan, tty.Magenta, tty.Blue, tty.Green, tty.Yellow, tty.Red}

// cut shortens text to width characters.
func cut(text string, width int) string {
	runes := []rune(text)
	if width < 1 || len(runes) <= width {
		return text
	}
	return string(runes[:width-1]) + "…"
}
