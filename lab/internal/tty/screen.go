package tty

import (
	"os"

	"golang.org/x/term"
)

// Screen is an output, and what is known of the terminal behind it.
type Screen struct {
	Out    *Writer
	TTY    bool // whether lines may be redrawn in place
	Wide   int  // columns of the TTY
	High   int  // rows of the TTY
	Colour bool // whether colours and styles may be used; always false without a TTY
}

// ScreenOf describes the terminal behind an output. NO_COLOR is https://no-color.org.
func ScreenOf(out *Writer) Screen {
	s := Screen{Out: out}
	file, ok := out.Raw().(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) || os.Getenv("TERM") == "dumb" || !understandsEscapes(file) {
		return s
	}
	var err error
	if s.Wide, s.High, err = term.GetSize(int(file.Fd())); err != nil {
		return s
	}
	s.TTY = true
	s.Colour = os.Getenv("NO_COLOR") == ""
	return s
}

// Paint returns a part with text in a style, if the screen has styles.
func (s *Screen) Paint(style Style, text string) Part {
	if !s.Colour {
		return Text(text)
	}
	return Part{before: "\x1b[" + string(style) + "m", text: text, after: "\x1b[0m"}
}
