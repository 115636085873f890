package lesson

import "time"

// Engine is what runs the suite during a lesson.
type Engine string

// The engines. A lesson that needs Either runs on both, with blocks of its own where they differ.
const (
	Lab     Engine = "lab"
	Cluster Engine = "cluster"
	Either  Engine = "either"
)

// Lesson is one page of docs/lessons.
type Lesson struct {
	Number   int    // of the file's name: 4 of 04-canary.md
	Name     string // of the file's name, without the number: "canary"
	Title    string
	Needs    Engine
	With     string        // what it needs besides: "Istio", "Linkerd"; empty for nothing
	Time     time.Duration // that a learner needs
	Unplayed string        // the reason why Verify cannot play it; empty if it can
	Opening  []string      // the lines before the first step: what the learner will know
	Steps    []Step
	Broken   *Step    // the exercise, with Fault, Check and Solution; nil if the lesson has none
	Closing  []string // what to read on
}

// RunsOn reports whether an engine can run the lesson.
func (l *Lesson) RunsOn(e Engine) bool { return l.Needs == e || l.Needs == Either }

// NotPlayed returns why Verify cannot play the lesson on an engine, or "" if it can.
func (l *Lesson) NotPlayed(e Engine) string {
	if !l.RunsOn(e) {
		return "it needs " + l.Needed()
	}
	return l.Unplayed
}

// Needed returns what the lesson needs, in words: "the lab", "a cluster with Istio".
func (l *Lesson) Needed() string {
	text := map[Engine]string{Lab: "the lab", Cluster: "a cluster", Either: "the lab or a cluster"}[l.Needs]
	if l.With != "" {
		text += " with " + l.With
	}
	return text
}

// Step is one section of a lesson: prose and blocks in the order of the page.
type Step struct {
	Title string
	Parts []Part
}

// Part is a piece of a step: prose, a question, or a block that is run.
type Part struct {
	Kind  Kind
	Line  int      // of the file, from 1
	On    Engine   // the engine that runs it; empty for both
	Lines []string // prose, or the lines of a Change
	Asks  string   // the question of a Question; its Lines are the answer
	Runs  []Run    // the commands of a Commands, Until or Check block
}

// Kind is the kind of a Part.
type Kind int

// The kinds of parts.
const (
	Prose    Kind = iota
	Question      // <details>: shown when the learner asks for it
	Commands      // ```console: each command is run once
	Until         // ```console until: each command is run until its output fits, for as long as its limit
	Change        // ```diff: a change to files of the learner's copy
	Fault         // ```diff fault, in the exercise: it is applied without being shown
	Check         // ```console check, in the exercise: it fails until the exercise is solved
	Solution      // ```diff solution, in the exercise
)

// changes reports whether a part of the kind changes files of the learner's copy.
func (k Kind) changes() bool { return k == Change || k == Fault || k == Solution }

// Run is one command with the output that the lesson expects.
type Run struct {
	Line    int    // of the file, from 1
	Command string // without the prompt; several lines where it is continued
	Expects []string
	Fails   bool // the command ends with an exit code other than 0
	Stays   bool // the command ends with &: it runs until the lesson ends
}
