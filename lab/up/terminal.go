package up

import (
	"fmt"
	"io"
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
	board   []row          // lines, one for each workload, that show the start
	drawn   int            // lines of it on the screen
	hue     map[string]int // by workload, of followed logs
	dropped chan int       // how many things to say did not fit
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

// row is the line of the board that shows one workload.
type row struct {
	name   string
	state  string
	ready  bool
	failed bool
}

// show draws the board, the workloads while they start, below all that was said; off a TTY, or on one that is too small, there is none.
func (t *terminal) show(rows []row) {
	t.post(func() {
		if t.screen.TTY && len(rows)+2 <= t.screen.High {
			t.board = rows
			t.write("")
		}
	})
}

// started leaves the board as it stands and goes on below it.
func (t *terminal) started() {
	t.post(func() { t.board, t.drawn = nil, 0 })
}

// line writes one line above the board.
func (t *terminal) line(text string) { t.write(text + "\n") }

// write puts text in the place of the board and the board below it, in one piece so that nothing flickers.
func (t *terminal) write(text string) {
	var b strings.Builder
	if t.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\x1b[J", t.drawn)
	}
	b.WriteString(text)
	width := 0
	for _, r := range t.board {
		width = max(width, len(r.name))
	}
	for _, r := range t.board {
		mark, code := "·", faint
		if r.ready {
			mark, code = "✓", green
		} else if r.failed {
			mark, code = "!", yellow
		}
		b.WriteString("  " + t.paint(code, cut(fmt.Sprintf("%s %-*s  %s", mark, width, r.name, clean(r.state)), t.screen.Wide-3)) + "\n")
	}
	t.drawn = len(t.board)
	_, _ = io.WriteString(t.screen.Out, b.String())
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
