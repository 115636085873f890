package up

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/hopline/hopline/lab/workload"
)

// Screen is where the lab speaks to the user.
type Screen struct {
	Out  io.Writer
	TTY  bool // lines may be drawn in place
	Wide int  // columns and
	High int  // rows of the TTY
	// Colour is whether colours and weights may be used; never off a TTY.
	Colour bool
}

// maxUnsaid bounds what waits to be written to a screen that does not take it.
const maxUnsaid = 4096

// terminal writes to the screen, one thing after the other, from a goroutine of its own: whoever says something never waits for a
// terminal that has been stopped. What does not fit is dropped and counted.
type terminal struct {
	screen Screen
	logs   bool
	queue  chan func()
	done   chan struct{}

	// What follows belongs to the goroutine.
	board   board
	dropped chan int
	hue     map[string]int
}

func newTerminal(s Screen, logs bool) *terminal {
	t := &terminal{screen: s, logs: logs, queue: make(chan func(), maxUnsaid), done: make(chan struct{}), dropped: make(chan int, 1), hue: map[string]int{}}
	go t.run()
	return t
}

func (t *terminal) run() {
	defer close(t.done)
	for say := range t.queue {
		say()
		select {
		case n := <-t.dropped:
			t.line(t.paint(yellow, fmt.Sprintf("! %d lines were not shown: the terminal took them too slowly", n)))
		default:
		}
	}
}

// close writes what is left, unless the screen takes nothing for a second.
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

// say writes a line.
func (t *terminal) say(format string, args ...any) {
	t.post(func() { t.line(fmt.Sprintf(format, args...)) })
}

// note writes a line that matters less.
func (t *terminal) note(format string, args ...any) {
	t.post(func() { t.line(t.paint(faint, fmt.Sprintf(format, args...))) })
}

// warn writes lines that stand out.
func (t *terminal) warn(format string, args ...any) {
	t.post(func() {
		for i, line := range strings.Split(fmt.Sprintf(format, args...), "\n") {
			mark := "! "
			if i > 0 {
				mark = "  "
			}
			t.line(t.paint(yellow, mark+clean(line)))
		}
	})
}

// follow writes a line of a process's output, if the user wants to see them.
func (t *terminal) follow(line workload.Line) {
	if !t.logs {
		return
	}
	t.post(func() {
		hue, ok := t.hue[line.Deployment]
		if !ok {
			hue = len(t.hue)
			t.hue[line.Deployment] = hue
		}
		t.line(t.paint(hues[hue%len(hues)], line.Pod+" |") + " " + clean(line.Text))
	})
}

// line writes one line above the board.
func (t *terminal) line(text string) {
	t.erase()
	_, _ = io.WriteString(t.screen.Out, text+"\n")
	t.draw()
}

// board is the lines, one for each workload, that show the start.
type board struct {
	rows  []row
	drawn int // lines of it on the screen
}

type row struct {
	name   string
	state  string
	ready  bool
	failed bool
}

// start shows the workloads until they are ready. Off a TTY it shows nothing.
func (t *terminal) start(names []string) {
	t.post(func() {
		if !t.screen.TTY || len(names)+2 > t.screen.High {
			return
		}
		for _, name := range names {
			t.board.rows = append(t.board.rows, row{name: name, state: "starting"})
		}
		t.draw()
	})
}

// show puts a workload's state on the board.
func (t *terminal) show(name, state string, ready, failed bool) {
	t.post(func() {
		i := slices.IndexFunc(t.board.rows, func(r row) bool { return r.name == name })
		if i < 0 {
			return
		}
		t.erase()
		t.board.rows[i] = row{name, state, ready, failed}
		t.draw()
	})
}

// started leaves the board as it stands and goes on below it.
func (t *terminal) started() {
	t.post(func() { t.board = board{} })
}

func (t *terminal) erase() {
	if t.board.drawn > 0 {
		fmt.Fprintf(t.screen.Out, "\x1b[%dA\x1b[J", t.board.drawn)
		t.board.drawn = 0
	}
}

func (t *terminal) draw() {
	width := 0
	for _, r := range t.board.rows {
		width = max(width, len(r.name))
	}
	for _, r := range t.board.rows {
		mark, code := "·", faint
		if r.ready {
			mark, code = "✓", green
		} else if r.failed {
			mark, code = "!", yellow
		}
		text := fmt.Sprintf("%s %-*s  %s", mark, width, r.name, clean(r.state))
		_, _ = io.WriteString(t.screen.Out, "  "+t.paint(code, cut(text, t.screen.Wide-3))+"\n")
	}
	t.board.drawn = len(t.board.rows)
}

// The SGR codes that are used. They are among the sixteen that every terminal shows readably in its own theme.
const (
	bold   = "1"
	faint  = "2"
	green  = "32"
	yellow = "33"
)

// hues tell the workloads apart in followed logs.
var hues = [...]string{"36", "35", "34", "32", "33", "31"}

func (t *terminal) paint(code, text string) string {
	if !t.screen.Colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// clean makes text harmless to a terminal: what is not a printable character, control sequences above all, is shown as its escape.
func clean(text string) string {
	text = strings.ToValidUTF8(text, "\ufffd") // a lone byte 0x9b starts a sequence on some terminals
	if strings.IndexFunc(text, harmful) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if !harmful(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRuneToASCII(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

func harmful(r rune) bool { return r != '\t' && !unicode.IsPrint(r) }

// cut shortens text to so many characters.
func cut(text string, width int) string {
	runes := []rune(text)
	if width < 1 || len(runes) <= width {
		return text
	}
	return string(runes[:width-1]) + "…"
}
