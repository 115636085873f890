package lesson

import "strings"

// Document is a lesson as data, for a page.
type Document struct {
	Summary
	Opening  string    `json:"opening"` // HTML
	Sections []Section `json:"sections"`
	Closing  string    `json:"closing"` // HTML
	Steps    int       `json:"steps"`   // their number; 0 where the lesson cannot be played
	Next     int       `json:"next"`    // the step that is next; 0 once all are done
}

// Summary is what a list shows of a lesson.
type Summary struct {
	Number  int    `json:"number"`
	Title   string `json:"title"`
	Needs   string `json:"needs"`   // "the lab", "a cluster with Istio"
	Minutes int    `json:"minutes"` // that a learner needs
	Done    bool   `json:"done"`
	Why     string `json:"why"` // it cannot be played here; empty if it can
}

// Section is a part of a lesson with a heading.
type Section struct {
	Title  string  `json:"title"`
	Blocks []Block `json:"blocks"`
}

// Block is a piece of a section.
type Block struct {
	Kind     string   `json:"kind"`     // "prose", "question", "commands", "until", "change", "fault", "check" or "solution"
	Step     int      `json:"step"`     // its number, from 1; 0 for prose and questions, and where the lesson cannot be played
	HTML     string   `json:"html"`     // of prose, and the answer of a question
	Asks     string   `json:"asks"`     // HTML of a question
	Commands []string `json:"commands"` // one, or of a check perhaps several
	Expects  []string `json:"expects"`  // the output of the last command
	Fails    bool     `json:"fails"`    // that command fails as expected
	Overlay  string   `json:"overlay"`  // what the command makes the lab run: "overlays/canary"; otherwise empty
	Lines    []string `json:"lines"`    // of a change or solution; a fault is not shown
}

// kindNames holds the names of the kinds of parts in a Block.
var kindNames = map[Kind]string{
	Prose: "prose", Question: "question", Commands: "commands", Until: "until", Change: "change", Fault: "fault", Check: "check", Solution: "solution",
}

// documentOf returns a lesson as data for an engine. The parts of another engine are left out if the engine runs the lesson.
func documentOf(l *Lesson, e Engine) *Document {
	d := &Document{Opening: html(l.Opening), Closing: html(l.Closing), Sections: []Section{}}
	for _, step := range l.sections() {
		s := Section{Title: step.Title, Blocks: []Block{}}
		for _, part := range step.Parts {
			if l.RunsOn(e) && !part.plays(e) {
				continue
			}
			if part.Kind == Prose || part.Kind == Question {
				s.Blocks = append(s.Blocks, Block{Kind: kindNames[part.Kind], HTML: html(part.Lines), Asks: inlineHTML(part.Asks), Commands: []string{}, Expects: []string{}, Lines: []string{}})
				continue
			}
			for _, todo := range part.actions() {
				b := todo.block()
				if l.RunsOn(e) {
					d.Steps++
					b.Step = d.Steps
				}
				s.Blocks = append(s.Blocks, b)
			}
		}
		d.Sections = append(d.Sections, s)
	}
	return d
}

// summaryOf returns what a list shows of a lesson on an engine.
func summaryOf(l *Lesson, e Engine, done bool) Summary {
	s := Summary{Number: l.Number, Title: l.Title, Needs: l.Needed(), Minutes: int(l.Time.Minutes()), Done: done}
	if !l.RunsOn(e) {
		s.Why = "It needs " + l.Needed() + "."
	}
	return s
}

// block returns what there is to do in a part as data.
func (part Part) block() Block {
	b := Block{Kind: kindNames[part.Kind], Commands: []string{}, Expects: []string{}, Lines: []string{}}
	for _, run := range part.Runs {
		command := run.Command
		if run.Stays {
			command += " &"
			b.Overlay, _ = upArgument(run)
		}
		b.Commands = append(b.Commands, command)
		b.Expects, b.Fails = append([]string{}, run.Expects...), run.Fails
	}
	if part.Kind == Change || part.Kind == Solution {
		b.Lines = append(b.Lines, part.Lines...)
	}
	return b
}

// upArgument returns the overlay of a command `hopline up OVERLAY &`.
func upArgument(run Run) (overlay string, ok bool) {
	words := strings.Fields(run.Command)
	if !run.Stays || len(words) != 3 || words[0] != "hopline" || words[1] != "up" || strings.HasPrefix(words[2], "-") {
		return "", false
	}
	return words[2], true
}
