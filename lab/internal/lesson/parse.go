package lesson

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The parts of the form.
var (
	fileForm     = regexp.MustCompile(`^(\d\d)-([a-z0-9-]+)\.md$`)
	needsForm    = regexp.MustCompile(`^\*Needs (the lab|a cluster|the lab or a cluster)(?: with ([A-Za-z ]+))?\. (\d+) minutes\.(?: No test plays it: (.+)\.)?\*$`)
	questionForm = regexp.MustCompile(`^<details><summary>(.+)</summary>$`)
)

const (
	exerciseTitle = "Break it"
	closingTitle  = "Read on"
	failsMark     = "(the command fails)"
)

// Read reads all lessons of a directory, in the order of their numbers. The error has all problems of all files.
func Read(dir fs.FS) ([]*Lesson, error) {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return nil, err
	}
	var lessons []*Lesson
	var errs []error
	for _, e := range entries {
		if !fileForm.MatchString(e.Name()) {
			continue
		}
		text, err := fs.ReadFile(dir, e.Name())
		if err != nil {
			return nil, err
		}
		l, err := Parse(e.Name(), string(text))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if n := len(lessons); n > 0 && lessons[n-1].Number == l.Number {
			errs = append(errs, fmt.Errorf("%s: want a number of its own, got %d again", e.Name(), l.Number))
		}
		if slices.ContainsFunc(lessons, func(other *Lesson) bool { return other.Name == l.Name }) { // progress is kept by name
			errs = append(errs, fmt.Errorf("%s: want a name of its own, got %s again", e.Name(), l.Name))
		}
		lessons = append(lessons, l)
	}
	return lessons, errors.Join(errs...)
}

// Parse reads one lesson. name is the file's name, such as 04-canary.md. The error has all problems, each as FILE:LINE: want X, got Y.
func Parse(name, text string) (*Lesson, error) {
	m := fileForm.FindStringSubmatch(path.Base(name))
	if m == nil {
		return nil, fmt.Errorf("%s: want a name such as 04-canary.md", name)
	}
	number, err := strconv.Atoi(m[1])
	if err != nil {
		return nil, err
	}
	p := &parser{file: name, lines: strings.Split(strings.TrimRight(text, "\n"), "\n"), lesson: &Lesson{Number: number, Name: m[2]}}
	p.heading()
	for p.at < len(p.lines) {
		p.section()
	}
	p.whole()
	return p.lesson, errors.Join(p.errs...)
}

type parser struct {
	file   string
	lines  []string
	at     int // index of the next line
	lesson *Lesson
	errs   []error
}

func (p *parser) wrong(line int, format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf("%s:%d: %s", p.file, line, fmt.Sprintf(format, args...)))
}

// next returns the next line that is not empty, without its place moving beyond it.
func (p *parser) next() string {
	for p.at < len(p.lines) && strings.TrimSpace(p.lines[p.at]) == "" {
		p.at++
	}
	if p.at == len(p.lines) {
		return ""
	}
	return p.lines[p.at]
}

// heading reads what is above the first section.
func (p *parser) heading() {
	l := p.lesson
	title, ok := strings.CutPrefix(p.next(), "# ")
	if !ok {
		p.wrong(p.at+1, "want a title such as # Canary, got %q", p.next())
		return
	}
	l.Title = strings.TrimSpace(title)
	p.at++
	m := needsForm.FindStringSubmatch(p.next())
	if m == nil {
		p.wrong(p.at+1, "want *Needs the lab. 5 minutes.* (or a cluster, or the lab or a cluster), got %q", p.next())
		return
	}
	l.Needs = map[string]Engine{"the lab": Lab, "a cluster": Cluster, "the lab or a cluster": Either}[m[1]]
	l.With = m[2]
	minutes, _ := strconv.Atoi(m[3]) // digits, by the form
	l.Time = time.Duration(minutes) * time.Minute
	l.Unplayed = m[4]
	p.at++
	l.Opening = p.prose()
}

// prose reads lines up to the next section, block or question, without empty lines around them.
func (p *parser) prose() []string {
	first := p.at
	for p.at < len(p.lines) && !special(p.lines[p.at]) {
		p.at++
	}
	return trim(p.lines[first:p.at])
}

func special(line string) bool {
	return strings.HasPrefix(line, "## ") || strings.HasPrefix(line, "```") || strings.HasPrefix(line, "<details>")
}

func trim(lines []string) []string {
	for len(lines) > 0 && strings.TrimSpace(lines[0]) == "" {
		lines = lines[1:]
	}
	for len(lines) > 0 && strings.TrimSpace(lines[len(lines)-1]) == "" {
		lines = lines[:len(lines)-1]
	}
	return slices.Clone(lines)
}

// section reads one section with its title.
func (p *parser) section() {
	title, ok := strings.CutPrefix(p.next(), "## ")
	if !ok {
		if p.next() != "" {
			p.wrong(p.at+1, "want a section such as ## A call, got %q", p.next())
		}
		p.at = len(p.lines)
		return
	}
	p.at++
	step := Step{Title: strings.TrimSpace(title)}
	if step.Title == closingTitle {
		p.lesson.Closing = p.prose()
		return
	}
	exercise := step.Title == exerciseTitle
	for p.at < len(p.lines) && !strings.HasPrefix(p.lines[p.at], "## ") {
		p.part(&step, exercise)
	}
	if exercise {
		p.lesson.Broken = &step
	} else {
		p.lesson.Steps = append(p.lesson.Steps, step)
	}
}

// part reads prose, a block or a question.
func (p *parser) part(step *Step, exercise bool) {
	line := p.lines[p.at]
	switch {
	case strings.HasPrefix(line, "```"):
		p.block(step, exercise)
	case strings.HasPrefix(line, "<details>"):
		p.question(step, exercise)
	default:
		at := p.at + 1
		if lines := p.prose(); len(lines) > 0 {
			step.Parts = append(step.Parts, Part{Kind: Prose, Line: at, Lines: lines})
		}
	}
}

// blocks are the kinds of blocks that are run, by the words after the fence; those of the exercise are only in it.
var blocks = map[string]Kind{"console": Commands, "console until": Until, "diff": Change}
var exerciseBlocks = map[string]Kind{"diff fault": Fault, "console check": Check, "diff solution": Solution}

// block reads a fenced block. A block in another language is prose.
func (p *parser) block(step *Step, exercise bool) {
	first, open := p.at, p.lines[p.at]
	end := slices.Index(p.lines[first+1:], "```")
	if end < 0 {
		p.wrong(first+1, "the block has no end: want a line ```")
		p.at = len(p.lines)
		return
	}
	inside := p.lines[first+1 : first+1+end]
	p.at = first + end + 2
	words, on := engineOf(strings.TrimSpace(strings.TrimPrefix(open, "```")))
	kind, known := blocks[words]
	if k, special := exerciseBlocks[words]; special {
		if !exercise {
			p.wrong(first+1, "a block %q is in the section %q only", words, exerciseTitle)
		}
		kind, known = k, true
	}
	switch language, _, _ := strings.Cut(words, " "); {
	case !known && (language == "console" || language == "diff"):
		p.wrong(first+1, "want ```console, ```console until or ```diff, followed by lab or cluster if only one of them runs it, got %q", open)
	case !known:
		step.Parts = append(step.Parts, Part{Kind: Prose, Line: first + 1, Lines: slices.Clone(p.lines[first:p.at])})
	case kind.changes():
		step.Parts = append(step.Parts, Part{Kind: kind, Line: first + 2, On: on, Lines: slices.Clone(inside)})
	default:
		step.Parts = append(step.Parts, Part{Kind: kind, Line: first + 2, On: on, Runs: p.runs(inside, first+2)})
	}
}

// engineOf splits the words after a fence into the kind of block and the engine that runs it.
func engineOf(words string) (string, Engine) {
	for _, e := range []Engine{Lab, Cluster} {
		if rest, ok := strings.CutSuffix(words, " "+string(e)); ok {
			return rest, e
		}
	}
	return words, ""
}

// runs reads the commands of a block: "$ command", continued by lines that begin with "> " after a backslash, and its output.
func (p *parser) runs(lines []string, first int) []Run {
	var runs []Run
	for i, line := range lines {
		command, starts := strings.CutPrefix(line, "$ ")
		n := len(runs)
		switch {
		case starts:
			runs = append(runs, Run{Line: first + i, Command: command})
		case n == 0:
			p.wrong(first+i, "want a command such as $ hopline version, got %q", line)
			return nil
		case len(runs[n-1].Expects) == 0 && strings.HasSuffix(runs[n-1].Command, `\`) && strings.HasPrefix(line, "> "):
			runs[n-1].Command += "\n" + strings.TrimPrefix(line, "> ")
		case line == failsMark:
			runs[n-1].Fails = true
		default:
			runs[n-1].Expects = append(runs[n-1].Expects, line)
		}
	}
	for i := range runs {
		if short, ok := strings.CutSuffix(runs[i].Command, " &"); ok {
			runs[i].Command, runs[i].Stays = short, true
		}
	}
	if len(runs) == 0 {
		p.wrong(first, "the block has no command")
	}
	return runs
}

// question reads <details>, whose answer may hold a solution's blocks in the exercise.
func (p *parser) question(step *Step, exercise bool) {
	first := p.at
	m := questionForm.FindStringSubmatch(p.lines[first])
	end := slices.Index(p.lines[first:], "</details>")
	section := slices.IndexFunc(p.lines[first:], func(line string) bool { return strings.HasPrefix(line, "## ") })
	if m == nil || end < 0 || section >= 0 && section < end {
		p.wrong(first+1, "want <details><summary>The question?</summary>, and later a line </details>, got %q", p.lines[first])
		p.at = len(p.lines)
		return
	}
	question := Part{Kind: Question, Line: first + 1, Asks: m[1]}
	inner := &parser{file: p.file, lines: p.lines[:first+end], at: first + 1, lesson: p.lesson}
	var answer Step
	for inner.at < len(inner.lines) {
		inner.part(&answer, exercise)
	}
	p.errs = append(p.errs, inner.errs...)
	p.at = first + end + 1
	for _, part := range answer.Parts {
		if part.Kind != Prose {
			question.Lines = append(question.Lines, "")
			step.Parts = append(step.Parts, part)
			continue
		}
		question.Lines = append(question.Lines, part.Lines...)
	}
	if question.Lines = trim(question.Lines); len(question.Lines) > 0 {
		step.Parts = append(step.Parts, question)
	}
}

// whole checks that the lesson has all that one needs.
func (p *parser) whole() {
	l := p.lesson
	if len(p.errs) > 0 {
		return
	}
	last := len(p.lines)
	if len(l.Steps) == 0 {
		p.wrong(last, "want at least one section, got none")
	}
	if l.Time == 0 || l.Time > 10*time.Minute {
		p.wrong(last, "want from 1 to 10 minutes, got %v", l.Time)
	}
	if l.Closing == nil {
		p.wrong(last, "want a section %q at the end", closingTitle)
	}
	if b := l.Broken; b != nil {
		for kind, block := range map[Kind]string{Fault: "diff fault", Check: "console check", Solution: "diff solution"} {
			if !slices.ContainsFunc(b.Parts, func(part Part) bool { return part.Kind == kind }) {
				p.wrong(last, "want a block %q in the section %q", block, exerciseTitle)
			}
		}
	}
}
