package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"github.com/hopline/hopline/docs/lessons"
	"github.com/hopline/hopline/lab/internal/lesson"
	"github.com/hopline/hopline/lab/internal/tty"
	"github.com/hopline/hopline/lab/internal/usage"
)

type lessonCommand struct {
	Which string        `arg:"" optional:"" help:"Number of a lesson, or reset: write the learner's copy again. Without it the lessons are listed."`
	Check bool          `help:"Play the lesson unattended, in a copy and with ports of its own, and check it. Without a number: all lessons."`
	On    lesson.Engine `default:"lab" enum:"lab,cluster" placeholder:"ENGINE" help:"What runs the suite: lab, or cluster, the one that KUBECONFIG names (${default})."`
	Host  string        `default:"localhost:8080" placeholder:"HOST:PORT" help:"With --check --on cluster: the ingress gateway, as it is reached from here (${default})."`
	From  string        `placeholder:"DIR" type:"existingdir" help:"Directory of the lessons (those that hopline contains)."`
}

// Run lists the lessons, plays one, or checks them.
func (c *lessonCommand) Run(ctx context.Context, p program) error {
	var files fs.FS = lessons.Files
	if c.From != "" {
		files = os.DirFS(c.From)
	}
	all, err := lesson.Read(files)
	if err != nil {
		return err
	}
	switch {
	case len(all) == 0:
		return usage.Errorf("--from %s: want a directory with lessons, got one without", c.From)
	case c.Which == "reset" && !c.Check:
		return c.reset(p)
	case c.Which == "" && !c.Check:
		return list(p, all)
	}
	chosen, err := c.choose(all)
	if err != nil {
		return err
	}
	tool, err := os.Executable()
	if err != nil {
		return err
	}
	setup := lesson.Setup{Engine: c.On, Tool: tool, Host: c.Host}
	if c.Check {
		return c.check(ctx, p, chosen, setup)
	}
	return c.walk(ctx, p, chosen[0], setup)
}

// choose returns the lesson with the given number, or without one all.
func (c *lessonCommand) choose(all []*lesson.Lesson) ([]*lesson.Lesson, error) {
	if c.Which == "" {
		return all, nil
	}
	number, err := strconv.Atoi(c.Which)
	for _, l := range all {
		if err == nil && l.Number == number {
			return []*lesson.Lesson{l}, nil
		}
	}
	return nil, usage.Errorf("lesson: want a number from %d to %d, or reset, got %q", all[0].Number, all[len(all)-1].Number, c.Which)
}

func (c *lessonCommand) reset(p program) error {
	learner, err := lesson.OpenCopy(".")
	if err != nil {
		return err
	}
	if err := learner.Reset(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.out, "%s holds the overlays as they are shipped.\n", learner.Dir)
	return err
}

// list prints the lessons, with a mark before those that are done.
func list(p program, all []*lesson.Lesson) error {
	done := lesson.CopyAt(".").Done()
	for _, l := range all {
		mark := "  "
		if done[l.Name] {
			mark = "✓ "
		}
		if _, err := fmt.Fprintf(p.out, "%s%2d  %s  (%s, %.0f min)\n", mark, l.Number, l.Title, l.Needed(), l.Time.Minutes()); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(p.out, "\nhopline lesson NUMBER begins one.")
	return err
}

// walk plays a lesson with the learner.
func (c *lessonCommand) walk(ctx context.Context, p program, l *lesson.Lesson, setup lesson.Setup) error {
	learner, err := lesson.OpenCopy(".")
	if err != nil {
		return err
	}
	err = lesson.Walk(ctx, l, setup, learner, os.Stdin, tty.ScreenOf(p.out))
	if errors.Is(err, lesson.ErrLeft) {
		fmt.Fprintf(p.out, "\nLeft. hopline lesson %d begins it again.\n", l.Number)
		return exit{1, nil}
	}
	return err
}

// together is the number of lessons that are checked at a time. Most of a lesson is waiting.
const together = 3

// check plays lessons unattended, and prints one line for each, in order. A lesson that cannot be played is named. On a cluster, which all
// lessons share, one is played at a time.
func (c *lessonCommand) check(ctx context.Context, p program, chosen []*lesson.Lesson, setup lesson.Setup) error {
	places := together
	if c.On == lesson.Cluster {
		places = 1
	}
	free := make(chan struct{}, places)
	results := make([]chan error, len(chosen))
	for i, l := range chosen {
		results[i] = make(chan error, 1)
		if l.NotPlayed(c.On) == "" {
			go func() {
				free <- struct{}{}
				defer func() { <-free }()
				results[i] <- lesson.Verify(ctx, l, setup)
			}()
		}
	}
	failed := 0
	for i, l := range chosen {
		if why := l.NotPlayed(c.On); why != "" {
			fmt.Fprintf(p.out, "not run %02d %s: %s\n", l.Number, l.Title, why)
			continue
		}
		if err := <-results[i]; err != nil {
			failed++
			fmt.Fprintf(p.out, "FAILED  %02d %s\n%s\n(- is missing, + is there instead)\n", l.Number, l.Title, err)
			continue
		}
		fmt.Fprintf(p.out, "ok      %02d %s\n", l.Number, l.Title)
	}
	if failed > 0 {
		return exit{1, fmt.Errorf("%d of %d lessons failed", failed, len(chosen))}
	}
	return nil
}
