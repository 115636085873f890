package lesson

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/hopline/hopline/lab/internal/tty"
)

// ErrLeft is the error of a learner who has left a lesson before its end.
var ErrLeft = errors.New("left before the end")

// Screen is the terminal of a learner.
type Screen struct {
	In     io.Reader
	Out    *tty.Writer
	Wide   int  // columns; 0 if they are not known
	Styled bool // whether it shows styles
}

// Walk plays a lesson with a learner: it shows a step, and runs each command when the learner presses Enter, or the command that the learner
// types instead. It compares the output with what the lesson expects, and shows the difference. It returns nil once the lesson is done, and
// ErrLeft if the learner leaves.
func Walk(ctx context.Context, l *Lesson, s Setup, c Copy, screen Screen) (err error) {
	if !l.RunsOn(s.Engine) {
		return fmt.Errorf("lesson %d needs %s", l.Number, l.Needed())
	}
	p, err := newPlayer(c, s.Engine, s.Tool, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	w := &walk{player: p, screen: screen, input: lines(screen.In)}
	w.title(l)
	w.prose(l.Opening)
	for i, step := range l.Steps {
		w.heading(fmt.Sprintf("%d of %d. %s", i+1, len(l.Steps), step.Title))
		for _, part := range step.Parts {
			if err := w.part(ctx, part); err != nil {
				return err
			}
		}
	}
	if l.Broken != nil {
		if err := w.exercise(ctx, l.Broken); err != nil {
			return err
		}
	}
	if err := c.MarkDone(l.Name); err != nil {
		return err
	}
	w.heading(closingTitle)
	w.prose(l.Closing)
	w.say(tty.Green, fmt.Sprintf("Lesson %d is done.", l.Number))
	return nil
}

type walk struct {
	player *player
	screen Screen
	input  <-chan string
}

// lines sends the lines of an input, and ends with it.
func lines(in io.Reader) <-chan string {
	out := make(chan string)
	go func() {
		defer close(out)
		for scanner := bufio.NewScanner(in); scanner.Scan(); {
			out <- scanner.Text()
		}
	}()
	return out
}

// ask shows a prompt and returns the learner's line. "q" and the end of the input leave.
func (w *walk) ask(ctx context.Context, prompt string) (string, error) {
	w.print(tty.Text(prompt + " "))
	select {
	case line, ok := <-w.input:
		if line = strings.TrimSpace(line); !ok || line == "q" {
			return "", ErrLeft
		}
		return line, nil
	case <-ctx.Done():
		return "", ErrLeft
	}
}

// part shows a part, and runs it.
func (w *walk) part(ctx context.Context, part Part) error {
	if !w.player.plays(part) {
		return nil
	}
	switch part.Kind {
	case Prose:
		w.prose(part.Lines)
	case Question:
		return w.question(ctx, part)
	case Change:
		return w.change(ctx, part)
	case Commands, Until:
		for _, run := range part.Runs {
			if err := w.run(ctx, part.Kind, run); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *walk) question(ctx context.Context, part Part) error {
	w.say(tty.Magenta, part.Asks)
	if _, err := w.ask(ctx, "Enter shows the answer:"); err != nil {
		return err
	}
	w.prose(part.Lines)
	return nil
}

// change waits until the learner has made a change, or makes it.
func (w *walk) change(ctx context.Context, part Part) error {
	for _, line := range part.Lines {
		w.line("    " + line)
	}
	for {
		line, err := w.ask(ctx, "Change the file and press Enter, or type a to apply the change:")
		if err != nil {
			return err
		}
		if line == "a" {
			return w.player.change(part)
		}
		if w.player.changed(part) {
			return nil
		}
		w.say(tty.Yellow, "The file does not have this change yet.")
	}
}

// run runs a command, again and again until it does what the lesson expects or the learner goes on.
func (w *walk) run(ctx context.Context, kind Kind, run Run) error {
	w.line("")
	for {
		w.print(tty.Text("    $ "), w.paint(tty.Bold, run.Command), tty.Text("\n"))
		typed, err := w.ask(ctx, "Enter runs it; or type it, s to skip, q to leave:")
		if err != nil {
			return err
		}
		if typed == "s" {
			return nil
		}
		mine := run
		if typed != "" {
			mine.Command = strings.TrimSuffix(typed, " &")
		}
		output, err := w.player.perform(ctx, kind, mine)
		var d *Difference
		switch {
		case err == nil:
			for _, line := range output {
				w.line("    " + line)
			}
			return nil
		case errors.As(err, &d):
			w.differs(d)
		default:
			return err
		}
	}
}

// differs shows how the output differs from what the lesson expects.
func (w *walk) differs(d *Difference) {
	w.say(tty.Yellow, "This is not what the lesson expects: - is missing, + is there instead.")
	if d.Reason != "" {
		w.line("    " + d.Reason)
	}
	for _, line := range d.Lines {
		w.line("    " + line)
	}
}

// exercise breaks something, and waits until the learner has fixed it.
func (w *walk) exercise(ctx context.Context, broken *Step) error {
	w.heading(broken.Title)
	for _, part := range broken.Parts {
		var err error
		switch part.Kind {
		case Fault:
			err = w.player.change(part)
		case Check:
			err = w.solve(ctx, part, kinds(broken, Solution))
		case Question: // the solution's words: solve shows them with the solution
		default:
			err = w.part(ctx, part)
		}
		if err != nil {
			return err
		}
	}
	for _, part := range kinds(broken, Question) {
		w.say(tty.Magenta, part.Asks)
		w.prose(part.Lines)
	}
	return nil
}

// solve runs the check until it passes.
func (w *walk) solve(ctx context.Context, check Part, solution []Part) error {
	for {
		for _, run := range check.Runs {
			w.print(tty.Text("    $ "), w.paint(tty.Bold, run.Command), tty.Text("\n"))
		}
		line, err := w.ask(ctx, "Enter checks; type solve to see the solution applied:")
		if err != nil {
			return err
		}
		if line == "solve" {
			for _, part := range solution {
				for _, line := range part.Lines {
					w.line("    " + line)
				}
				if err := w.player.change(part); err != nil {
					return err
				}
			}
		}
		_, err = w.player.all(ctx, check)
		var d *Difference
		switch {
		case err == nil:
			w.say(tty.Green, "Solved.")
			return nil
		case errors.As(err, &d):
			w.differs(d)
		default:
			return err
		}
	}
}

func (w *walk) title(l *Lesson) {
	w.heading(fmt.Sprintf("Lesson %d. %s", l.Number, l.Title))
	w.line(fmt.Sprintf("%.0f minutes, with %s, in %s", l.Time.Minutes(), l.Needed(), w.player.shell.dir))
}

func (w *walk) heading(text string) {
	w.print(tty.Text("\n"), w.paint(tty.Bold, text), tty.Text("\n\n"))
}

func (w *walk) prose(lines []string) {
	for _, line := range wrap(lines, w.screen.Wide) {
		w.print(append(inline(line, w.screen.Styled), tty.Text("\n"))...)
	}
	w.line("")
}

func (w *walk) say(style tty.Style, text string) { w.print(w.paint(style, text), tty.Text("\n")) }
func (w *walk) line(text string)                 { w.print(tty.Text(text + "\n")) }

func (w *walk) paint(style tty.Style, text string) tty.Part {
	if !w.screen.Styled {
		return tty.Text(text)
	}
	return tty.Paint(style, text)
}

// print writes to the terminal. A closed terminal ends the input, too.
func (w *walk) print(parts ...tty.Part) { _ = w.screen.Out.Print(parts...) }
