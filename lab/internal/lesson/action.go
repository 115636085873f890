package lesson

import "context"

// sections returns the sections with steps, the exercise last.
func (l *Lesson) sections() []Step {
	steps := l.Steps
	if l.Broken != nil {
		steps = append(steps[:len(steps):len(steps)], *l.Broken)
	}
	return steps
}

// plays reports whether an engine plays the part.
func (part Part) plays(e Engine) bool { return part.On == "" || part.On == e }

// actions returns what there is to do on an engine, in the order of the page.
func (l *Lesson) actions(e Engine) []Part {
	var all []Part
	for _, step := range l.sections() {
		for _, part := range step.Parts {
			if part.plays(e) {
				all = append(all, part.actions()...)
			}
		}
	}
	return all
}

// actions returns what there is to do in a part, each as a part of its own: nothing in prose, each command of a block, or all of a check.
func (part Part) actions() []Part {
	switch part.Kind {
	case Prose, Question:
		return nil
	case Commands, Until:
		var all []Part
		for _, run := range part.Runs {
			one := part
			one.Runs = []Run{run}
			all = append(all, one)
		}
		return all
	}
	return []Part{part}
}

// optional reports whether a lesson is done without the part.
func (part Part) optional() bool { return part.Kind == Solution }

// do does all of a part up to the first difference, and returns the output of its last command. The error is a *Difference if something is not
// as the lesson expects.
func (p *player) do(ctx context.Context, part Part) (lines []string, err error) {
	if part.Kind.changes() {
		return nil, p.change(part)
	}
	for _, run := range part.Runs {
		if lines, err = p.perform(ctx, part.Kind, run); err != nil {
			return lines, err
		}
	}
	return lines, nil
}
