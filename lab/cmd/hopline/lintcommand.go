package main

import (
	"errors"
	"os"

	"github.com/hopline/hopline/lab/lint"
)

type lintCommand struct{ lint.Command }

// Run checks rules. Its exit code is 1 if there is a finding, and 2 if the rules cannot be read.
func (c *lintCommand) Run(p program) error {
	err := c.Execute(p.stop, os.Stdin, p.out, underActions())
	switch {
	case err == nil:
		return nil
	case errors.Is(err, lint.ErrFound):
		return exit{code: 1}
	}
	return exit{code: 2, err: err}
}

// underActions reports whether hopline runs in a job of GitHub Actions.
func underActions() bool { return os.Getenv("GITHUB_ACTIONS") == "true" }
