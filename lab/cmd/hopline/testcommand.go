package main

import (
	"errors"
	"os"

	"github.com/hopline/hopline/lab/cases"
)

type testCommand struct{ cases.Command }

// Run runs cases. Its exit code is 1 if a case failed, and 2 if cases or rules cannot be read.
func (c *testCommand) Run(p program) error {
	err := c.Execute(p.stop, os.Stdin, p.out, underActions())
	switch {
	case err == nil:
		return nil
	case errors.Is(err, cases.ErrFailed):
		return exit{code: 1}
	}
	return exit{code: 2, err: err}
}
