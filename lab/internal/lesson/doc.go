// Package lesson reads the lessons of docs/lessons, walks a learner through one, and checks one unattended. A lesson is one Markdown file
// that people read as a page, so that the form is plain: docs/lessons/README.md describes it.
//
// The files in reading order:
//   - lesson.go holds what a lesson is; parse.go reads one; prose.go shows its text in a terminal.
//   - command.go runs a command in a shell; addresses.go keeps a checked lesson away from the ports that a person may use.
//   - expect.go compares output with what the lesson expects; patch.go applies a change to a file.
//   - course.go holds the learner's copy of the overlays, and what is done.
//   - play.go plays a lesson; check.go does it unattended, walk.go with a learner in a terminal.
//   - guide.go plays a lesson step by step for a page, with a lab that runs already; action.go holds what a step is, document.go a lesson as
//     data, html.go its prose.
package lesson
