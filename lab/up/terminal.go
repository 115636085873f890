package up

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hopline/hopline/lab/internal/tty"
	"github.com/hopline/hopline/lab/internal/workload"
)

// Screen describes the output that the lab prints to.
type Screen struct {
	Out  io.Writer
	TTY  bool // whether lines may be redrawn in place
	Wide int  // columns of the TTY
	High int  // rows of the TTY
	// Colour is whether colours and styles may be used; always false without a TTY.
	Colour bool
}

// maxQueued bounds the output that is queued for a screen that blocks.
const maxQueued = 4096

// terminal writes to the screen in order, from its own goroutine, so that callers never wait for a terminal that was stopped. It drops
// output that does not fit in the queue, and counts it.
type terminal struct {
	screen Screen
	out    *tty.Writer
	logs   Logs
	queue  chan func()
	done   chan struct{}

	// The fields below are used only by the goroutine.
	board   []row          // one line per workload, shown during the start
	drawn   int            // lines of the board on the screen
	hue     map[string]int // colour index by workload, for followed logs
	dropped chan int       // number of dropped messages
}

func newTerminal(s Screen, logs Logs) *terminal {
	t := &terminal{screen: s, out: tty.New(s.Out), logs: logs, queue: make(chan func(), maxQueued), done: make(chan struct{}), dropped: make(chan int, 1), hue: map[string]int{}}
	go t.run()
	return t
}

func (t *terminal) run() {
	defer close(t.done)
	for say := range t.queue {
		say()
		select {
		case n := <-t.dropped:
			t.line(t.paint(tty.Yellow, fmt.Sprintf("! %d lines were not shown: the terminal is too slow", n)))
		default:
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
		n := 1
		select {
		case before := <-t.dropped:
			n += before
		default:
		}
		select {
		case t.dropped <- n:
		default:
		}
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
	var b strings.Builder
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		if utf8.RuneCountInString(line) <= t.screen.Wide {
			b.WriteString(line)
			continue
		}
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		b.WriteString(indent)
		at := len(indent)
		for j, word := range strings.Fields(line) {
			n := utf8.RuneCountInString(word)
			switch {
			case j == 0:
			case at+1+n > t.screen.Wide:
				b.WriteString("\n" + indent + "  ")
				at = len(indent) + 2
			default:
				b.WriteByte(' ')
				at++
			}
			b.WriteString(word)
			at += n
		}
	}
	return b.String()
}

// print prints a line of several parts.
func (t *terminal) print(parts ...tty.Part) {
	t.post(func() { t.line(parts...) })
}

// note prints a line of lower importance.
func (t *terminal) note(format string, args ...any) {
	t.post(func() { t.line(t.paint(tty.Faint, t.fold(fmt.Sprintf(format, args...)))) })
}

// warn prints highlighted lines.
func (t *terminal) warn(format string, args ...any) {
	t.post(func() {
		for i, line := range strings.Split(fmt.Sprintf(format, args...), "\n") {
			mark := "! "
			if i > 0 {
				mark = "  "
			}
			t.line(t.paint(tty.Yellow, t.fold(mark+line)))
		}
	})
}

// follow prints a line of a process's output if --logs selects it.
func (t *terminal) follow(line workload.Line) {
	if !t.logs.wants(line.Deployment) {
		return
	}
	t.post(func() {
		hue, ok := t.hue[line.Deployment]
		if !ok {
			hue = len(t.hue)
			t.hue[line.Deployment] = hue
		}
		t.line(t.paint(hues[hue%len(hues)], line.Source()+" |"), tty.Text(" "+tty.Continued(t.logs.text(line))))
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
		parts = append(parts, tty.Text("  "), t.paint(style, line), tty.Text("\n"))
	}
	t.drawn = len(t.board)
	_ = t.out.Print(parts...) // nothing can be done about a terminal that fails
}

// hues are the colours that distinguish the workloads in followed logs.
var hues = [...]tty.Style{tty.Cyan, tty.Magenta, tty.Blue, tty.Green, tty.Yellow, tty.Red}

// paint returns text in a style, if the screen has styles.
func (t *terminal) paint(style tty.Style, text string) tty.Part {
	if !t.screen.Colour {
		return tty.Text(text)
	}
	return tty.Paint(style, text)
}

// cut shortens text to width characters.
func cut(text string, width int) string {
	runes := []rune(text)
	if width < 1 || len(runes) <= width {
		return text
	}
	return string(runes[:width-1]) + "…"
}
