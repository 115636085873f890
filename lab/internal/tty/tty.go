// Package tty writes text to terminals. It escapes text, which may come from a file or a request; only the escape sequences that this
// package makes are written unescaped. ShellWord quotes what a reader copies into a shell.
package tty

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Writer escapes control characters in what is written to it, except newlines and tabs. It is safe for concurrent use.
type Writer struct {
	out io.Writer

	mu   sync.Mutex
	held []byte // the first bytes of a character whose last bytes have not been written yet
}

// New returns a Writer to out, or out itself if it is a Writer.
func New(out io.Writer) *Writer {
	if w, ok := out.(*Writer); ok {
		return w
	}
	return &Writer{out: out}
}

// Raw returns the underlying output, for code that draws by itself. Only text that hopline makes itself may be written to it.
func (w *Writer) Raw() io.Writer { return w.out }

// Write writes text, escaped. As io.Writer requires, the count is of the bytes of p.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := append(w.held, p...)
	whole := len(text) - unfinished(text)
	w.held = append([]byte(nil), text[whole:]...)
	if _, err := io.WriteString(w.out, Escape(string(text[:whole]))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// unfinished returns the number of bytes at the end of p that begin a character without ending it.
func unfinished(p []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if tail := p[len(p)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

// Print writes parts in one write, so that nothing flickers.
func (w *Writer) Print(parts ...Part) error {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.before)
		b.WriteString(Escape(p.text))
		b.WriteString(p.after)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := io.WriteString(w.out, b.String())
	return err
}

// Part is text with the escape sequences around it.
type Part struct{ before, text, after string }

// Text returns a part with plain text.
func Text(text string) Part { return Part{text: text} }

// Style is the appearance of text, as SGR codes (ECMA-48). The styles are among the sixteen colours that every terminal shows readably in
// its own theme.
type Style string

// The styles in use.
const (
	Bold    Style = "1"
	Faint   Style = "2"
	Red     Style = "31"
	Green   Style = "32"
	Yellow  Style = "33"
	Blue    Style = "34"
	Magenta Style = "35"
	Cyan    Style = "36"
)

// Up returns a part that moves the cursor up by so many lines and erases everything below.
func Up(lines int) Part { return Part{before: fmt.Sprintf("\x1b[%dA\x1b[J", lines)} }

// Escape replaces control characters by their escapes in Go, except newlines and tabs, and likewise characters that change the direction of
// text or end a line. Invalid UTF-8 becomes U+FFFD: a single byte 0x9b starts an escape sequence on some terminals.
func Escape(text string) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	if strings.IndexFunc(text, harmful) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case !harmful(r):
			b.WriteRune(r)
		case r == 0x7f:
			b.WriteString(`\u007f`) // an escape that is also valid in JSON
		default:
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}

// Continued returns text whose further lines are marked, so that none of them looks like a line of its own.
func Continued(text string) string { return strings.ReplaceAll(text, "\n", "\n    | ") }

func harmful(r rune) bool {
	return r != '\n' && r != '\t' && unicode.In(r, unicode.Cc, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
}
