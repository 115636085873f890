package main

import (
	"errors"
	"os"

	"github.com/hopline/hopline/lab/cases"
	"github.com/hopline/hopline/lab/compare"
	"github.com/hopline/hopline/lab/convert"
	"github.com/hopline/hopline/lab/diff"
	"github.com/hopline/hopline/lab/explain"
	"github.com/hopline/hopline/lab/internal/tty"
	"github.com/hopline/hopline/lab/lint"
	"github.com/hopline/hopline/lab/load"
	"github.com/hopline/hopline/lab/logs"
	"github.com/hopline/hopline/lab/send"
	"github.com/hopline/hopline/lab/show"
	"github.com/hopline/hopline/lab/whatif"
)

// The commands that a package of their own implements. Here they get their inputs and outputs, and their errors an exit code.
type (
	explainCommand struct{ explain.Command }
	testCommand    struct{ cases.Command }
	diffCommand    struct{ diff.Command }
	convertCommand struct{ convert.Command }
	lintCommand    struct{ lint.Command }
	curlCommand    struct{ send.Command }
	whatIfCommand  struct{ whatif.Command }
	loadCommand    struct{ load.Command }
	logsCommand    struct{ logs.Command }
	statusCommand  struct{ show.Status }
	seriesCommand  struct{ show.Series }
	traceCommand   struct{ show.Trace }
)

// Run explains a request. Its exit code is 1 if the mesh responds to the request itself, and 2 if an argument or the overlay is invalid.
func (c *explainCommand) Run(p program) error {
	return verdict(c.Execute(p.stop, os.Stdin, p.out), explain.ErrNotRouted)
}

// Run runs cases. Its exit code is 1 if a case failed, and 2 if cases or rules cannot be read.
func (c *testCommand) Run(p program) error {
	return verdict(c.Execute(p.stop, os.Stdin, p.out, underActions()), cases.ErrFailed)
}

// Run compares rules. Its exit code is 1 if requests are treated differently, and 2 if rules cannot be read.
func (c *diffCommand) Run(p program) error {
	return verdict(c.Execute(p.stop, os.Stdin, p.out), compare.ErrDiffer)
}

// Run converts rules. Its exit code is 1 if requests are treated differently, and 2 if rules cannot be read or converted.
func (c *convertCommand) Run(p program) error {
	return verdict(c.Execute(p.stop, os.Stdin, p.out, p.err), compare.ErrDiffer)
}

// Run checks rules. Its exit code is 1 if there is a finding, and 2 if the rules cannot be read.
func (c *lintCommand) Run(p program) error {
	return verdict(c.Execute(p.stop, os.Stdin, p.out, underActions()), lint.ErrFound)
}

// Run sends a request through the running lab. Its exit code is 1 if there is no response, whatever the status of a response is.
func (c *curlCommand) Run(p program) error { return c.Execute(p.stop, os.Stdin, p.out, p.err) }

// Run prints what would change with the rules of a file. Its exit code is 2 if they cannot run, which the command has printed.
func (c *whatIfCommand) Run(p program) error {
	err := c.Execute(p.stop, os.Stdin, p.out)
	if errors.Is(err, whatif.ErrProblems) {
		return exit{code: 2}
	}
	return err
}

// Run sends the load until it is done or the user stops it, and prints the report in both cases.
func (c *loadCommand) Run(p program) error {
	return c.Execute(p.stop, load.Output{Report: p.out, Progress: tty.ScreenOf(p.err)})
}

// Run prints the lines until the user stops it.
func (c *logsCommand) Run(p program) error { return c.Execute(p.stop, tty.ScreenOf(p.out)) }

// Run prints the state of the running lab.
func (c *statusCommand) Run(p program) error { return c.Execute(p.stop, tty.ScreenOf(p.out)) }

// Run prints the figures of the last minutes of the running lab.
func (c *seriesCommand) Run(p program) error { return c.Execute(p.stop, tty.ScreenOf(p.out)) }

// Run prints traces of the running lab.
func (c *traceCommand) Run(p program) error { return c.Execute(p.stop, tty.ScreenOf(p.out)) }

// verdict returns the error of a command that judges. The exit code is 1 for the error that means a bad result, which the command has
// printed. It is 2 for any other error, which is still to be printed.
func verdict(err, bad error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bad):
		return exit{code: 1}
	}
	return exit{code: 2, err: err}
}

// underActions reports whether hopline runs in a job of GitHub Actions.
func underActions() bool { return os.Getenv("GITHUB_ACTIONS") == "true" }
