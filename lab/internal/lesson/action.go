package lesson

import "context"

// action is one thing to do in a lesson: a command, a check, or a change. Its part is a part of the lesson with what is done in one go: of a
// block of commands, one.
type action struct {
	part Part
}

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
func (l *Lesson) actions(e Engine) []action {
	var all []action
	for _, step := range l.sections() {
		for _, part := range step.Parts {
			if !part.plays(e) {
				continue
			}
			all = append(all, actionsOf(part)...)
		}
	}
	return all
}

// actionsOf returns what there is to do in a part: nothing in prose, each command of a block, or all of a check.
func actionsOf(part Part) []action {
	switch part.Kind {
	case Prose, Question:
		return nil
	case Commands, Until:
		var all []action
		for _, run := range part.Runs {
			one := part
			one.Runs = []Run{run}
			all = append(all, action{part: one})
		}
		return all
	}
	return []action{{part: part}}
}

// optional reports whether a lesson is done without the action.
func (a action) optional() bool { return a.part.Kind == Solution }

// changes reports whether the action changes files of the learner's copy.
func (a action) changes() bool {
	return a.part.Kind == Change || a.part.Kind == Fault || a.part.Kind == Solution
}

// do does the action and returns the output of its last command. The error is a *Difference if something is not as the lesson expects.
func (p *player) do(ctx context.Context, a action) ([]string, error) {
	if a.changes() {
		return nil, p.change(a.part)
	}
	return p.all(ctx, a.part)
}
