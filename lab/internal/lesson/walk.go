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

// Walk plays a lesson with a learner: it shows a step, and runs each command when the learner presses Enter, or the command that the learner
// types instead. It compares the output with what the lesson expects, and shows the difference. It returns nil once the lesson is done, and
// ErrLeft if the learner leaves.
func Walk(ctx context.Context, l *Lesson, s Setup, c Copy, in io.Reader, screen tty.Screen) (err error) {
	if !l.RunsOn(s.Engine) {
		return fmt.Errorf("lesson %d needs %s", l.Number, l.Needed())
	}
	p, err := newPlayer(c, s.Engine, s.Tool, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	w := &walk{player: p, screen: screen, input: lines(in)}
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
	screen tty.Screen
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
	w.indented(part.Lines)
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

// run runs a command repeatedly, until it does what the lesson expects or the learner continues.
func (w *walk) run(ctx context.Context, kind Kind, run Run) error {
	w.line("")
	for {
		w.command(run)
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
		if err == nil {
			w.indented(output)
			return nil
		}
		if err := w.differs(err); err != nil {
			return err
		}
	}
}

// differs shows how the output differs from what the lesson expects. It returns any other error.
func (w *walk) differs(err error) error {
	var d *Difference
	if !errors.As(err, &d) {
		return err
	}
	w.say(tty.Yellow, "This is not what the lesson expects: - is missing, + is there instead.")
	if d.Reason != "" {
		w.line("    " + d.Reason)
	}
	w.indented(d.Lines)
	return nil
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
			w.command(run)
		}
		line, err := w.ask(ctx, "Enter checks; type solve to see the solution applied:")
		if err != nil {
			return err
		}
		if line == "solve" {
			for _, part := range solution {
				w.indented(part.Lines)
				if err := w.player.change(part); err != nil {
					return err
				}
			}
		}
		if _, err = w.player.do(ctx, check); err == nil {
			w.say(tty.Green, "Solved.")
			return nil
		}
		if err := w.differs(err); err != nil {
			return err
		}
	}
}

func (w *walk) title(l *Lesson) {
	w.heading(fmt.Sprintf("Lesson %d. %s", l.Number, l.Title))
	w.line(fmt.Sprintf("%.0f minutes, with %s, in %s", l.Time.Minutes(), l.Needed(), w.player.shell.dir))
}

func (w *walk) heading(text string) {
	w.print(tty.Text("\n"), w.screen.Paint(tty.Bold, text), tty.Text("\n\n"))
}

func (w *walk) prose(lines []string) {
	for _, line := range wrap(lines, w.screen.Wide) {
		w.print(append(inline(line, &w.screen), tty.Text("\n"))...)
	}
	w.line("")
}

func (w *walk) say(style tty.Style, text string) {
	w.print(w.screen.Paint(style, text), tty.Text("\n"))
}
func (w *walk) line(text string) { w.print(tty.Text(text + "\n")) }
func (w *walk) command(run Run) {
	w.print(tty.Text("    $ "), w.screen.Paint(tty.Bold, run.Command), tty.Text("\n"))
}

// indented prints lines of a file or of output.
func (w *walk) indented(lines []string) {
	for _, line := range lines {
		w.line("    " + line)
	}
}

// print writes to the terminal. A closed terminal ends the input, too.
func (w *walk) print(parts ...tty.Part) { _ = w.screen.Out.Print(parts...) }
