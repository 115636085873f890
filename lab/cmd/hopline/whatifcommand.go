package main

import (
	"errors"
	"os"

	"github.com/hopline/hopline/lab/whatif"
)

type whatIfCommand struct{ whatif.Command }

// Run prints what would change with the rules of a file. Its exit code is 2 if they cannot run.
func (c *whatIfCommand) Run(p program) error {
	err := c.Execute(p.stop, os.Stdin, p.out)
	if errors.Is(err, whatif.ErrProblems) {
		return exit{code: 2}
	}
	return err
}
