package lesson

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// player plays the parts of one lesson on one engine.
type player struct {
	engine Engine
	shell  *shell
	root   *os.Root // the learner's copy
	lab    Running  // what runs the overlay of `hopline up` in place of a lab of its own; nil: nothing
}

// newPlayer returns a player in a copy of the overlays. tool is the path of hopline. The caller must close it.
func newPlayer(c Copy, engine Engine, tool string, a Addresses) (*player, error) {
	root, err := os.OpenRoot(c.Dir)
	if err != nil {
		return nil, err
	}
	s, err := newShell(c.Dir, tool, a)
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return &player{engine: engine, shell: s, root: root}, nil
}

func (p *player) close() error { return errors.Join(p.shell.close(), p.root.Close()) }

// plays reports whether this engine plays a part.
func (p *player) plays(part Part) bool { return part.plays(p.engine) }

// Difference is the error of a command that did not do what the lesson expects.
type Difference struct {
	Line    int // of the lesson's file
	Command string
	Reason  string   // how the command ended, if that is what differs
	Lines   []string // the output: "  " before lines that fit, "- " before what was expected, "+ " before what is there instead
}

func (d *Difference) Error() string {
	lines := []string{fmt.Sprintf("line %d: $ %s", d.Line, d.Command)}
	if d.Reason != "" {
		lines = append(lines, d.Reason)
	}
	return strings.Join(append(lines, d.Lines...), "\n")
}

// perform runs a command of a part and returns its output. The error is a *Difference if the command did not do what the lesson expects.
func (p *player) perform(ctx context.Context, kind Kind, run Run) ([]string, error) {
	if overlay, up := upArgument(run); up && p.lab != nil {
		lines, err := p.lab.Run(filepath.Join(p.shell.dir, overlay))
		r := result{lines: p.shell.lines(strings.Join(lines, "\n")), err: err}
		return r.lines, differenceOf(run, r)
	}
	if run.Stays {
		c, err := p.shell.stay(run.Command)
		if err != nil {
			return nil, err
		}
		r := c.until(ctx, func(lines []string) bool { return mismatch(run.Expects, lines) == nil })
		return r.lines, differenceOf(run, r)
	}
	r := p.shell.run(ctx, run.Command)
	err := differenceOf(run, r)
	for end := time.Now().Add(p.shell.limits.again(kind)); err != nil && time.Now().Before(end) && ctx.Err() == nil; {
		select {
		case <-time.After(untilPause):
		case <-ctx.Done():
			return r.lines, ctx.Err()
		}
		r = p.shell.run(ctx, run.Command)
		err = differenceOf(run, r)
	}
	return r.lines, err
}

// differenceOf compares how a command ended with what the lesson expects.
func differenceOf(run Run, r result) error {
	d := &Difference{Line: run.Line, Command: run.Command}
	if d.Lines = mismatch(run.Expects, r.lines); len(run.Expects) == 0 {
		d.Lines = nil // a command without expected output may print anything
	}
	switch {
	case r.err != nil:
		d.Reason = r.err.Error()
	case run.Fails && r.code == 0:
		d.Reason = "want the command to fail, it succeeded"
	case !run.Fails && r.code != 0:
		d.Reason = fmt.Sprintf("the command failed with exit code %d", r.code)
	case d.Lines == nil:
		return nil
	}
	if d.Lines == nil {
		for _, line := range r.lines {
			d.Lines = append(d.Lines, "  "+line)
		}
	}
	return d
}

// change applies a change to the learner's copy. What has the change already, by hand, stays as it is.
func (p *player) change(part Part) error {
	patches, err := parsePatch(part.Lines)
	if err != nil {
		return fmt.Errorf("line %d: %w", part.Line, err)
	}
	for _, patch := range patches {
		if patch.applied(p.root) {
			continue
		}
		if err := patch.apply(p.root); err != nil {
			return fmt.Errorf("line %d: %w", part.Line, err)
		}
	}
	return nil
}

// changed reports whether the learner's copy has a change.
func (p *player) changed(part Part) bool {
	patches, err := parsePatch(part.Lines)
	if err != nil {
		return false
	}
	for _, patch := range patches {
		if !patch.applied(p.root) {
			return false
		}
	}
	return true
}
