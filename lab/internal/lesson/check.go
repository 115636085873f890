package lesson

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// Setup is what a lesson is played with.
type Setup struct {
	Engine Engine
	Tool   string           // path of hopline, for the commands
	Host   string           // on a cluster, what replaces Ingress in the commands; empty for Ingress itself
	Change func(Copy) error // what Verify does to its copy first; nil for nothing
}

// addresses returns the addresses that Verify uses.
func (s Setup) addresses() (Addresses, error) {
	switch {
	case s.Engine == Lab:
		return freeAddresses()
	case s.Host != "":
		return Addresses{Ingress: s.Host}, nil
	}
	return nil, nil
}

// Verify plays a whole lesson unattended, in a copy of its own and, in the lab, with ports of its own: each step, then the exercise, whose
// check must fail while the fault is there and pass once the solution is applied. It stops at the first difference, and returns it.
func Verify(ctx context.Context, l *Lesson, s Setup) error {
	return verify(ctx, l, s, usualLimits)
}

func verify(ctx context.Context, l *Lesson, s Setup, limits limits) (err error) {
	if why := l.NotPlayed(s.Engine); why != "" {
		return fmt.Errorf("lesson %d is not played: %s", l.Number, why)
	}
	dir, err := os.MkdirTemp("", "hopline-lesson-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	c, err := OpenCopy(dir)
	if err != nil {
		return err
	}
	used, err := s.addresses()
	if err != nil {
		return err
	}
	if s.Change != nil {
		if err := s.Change(c); err != nil {
			return err
		}
	}
	p, err := newPlayer(c, s.Engine, s.Tool, used)
	if err != nil {
		return err
	}
	p.shell.limits = limits
	defer func() { err = errors.Join(err, p.close()) }()
	for _, step := range l.Steps {
		if err := p.play(ctx, step.Parts); err != nil {
			return fmt.Errorf("%s: %w", step.Title, err)
		}
	}
	if l.Broken != nil {
		if err := p.exercise(ctx, l.Broken); err != nil {
			return fmt.Errorf("%s: %w", exerciseTitle, err)
		}
	}
	return nil
}

// play plays parts, without those of another engine.
func (p *player) play(ctx context.Context, parts []Part) error {
	for _, part := range parts {
		if !p.plays(part) {
			continue
		}
		if _, err := p.do(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// exercise plays the exercise: the check that follows the fault must fail.
func (p *player) exercise(ctx context.Context, broken *Step) error {
	if err := p.play(ctx, kinds(broken, Fault, Change, Commands, Until)); err != nil {
		return err
	}
	if err := p.unsolved(ctx, kinds(broken, Check)); err != nil {
		return err
	}
	if err := p.play(ctx, kinds(broken, Solution)); err != nil {
		return err
	}
	return p.play(ctx, kinds(broken, Check))
}

// unsolved returns an error unless a command of the check fails within the time that a change needs to be live.
func (p *player) unsolved(ctx context.Context, checks []Part) error {
	for end := time.Now().Add(p.shell.limits.until); time.Now().Before(end); {
		for _, part := range checks {
			if !p.plays(part) {
				continue
			}
			for _, run := range part.Runs {
				if _, err := p.perform(ctx, Commands, run); err != nil {
					return ctx.Err()
				}
			}
		}
	}
	return errors.New("the check passes although the fault is there: want it to fail until the exercise is solved")
}

// kinds returns the parts of some kinds, in the order of the page.
func kinds(step *Step, wanted ...Kind) []Part {
	var parts []Part
	for _, part := range step.Parts {
		if slices.Contains(wanted, part.Kind) {
			parts = append(parts, part)
		}
	}
	return parts
}
