package main

import (
	"errors"
	"os"

	"github.com/hopline/hopline/lab/compare"
	"github.com/hopline/hopline/lab/diff"
)

type diffCommand struct{ diff.Command }

// Run compares rules. Its exit code is 1 if requests are treated differently, and 2 if rules cannot be read.
func (c *diffCommand) Run(p program) error {
	err := c.Execute(p.stop, os.Stdin, p.out)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, compare.ErrDiffer):
		return exit{code: 1}
	}
	return exit{code: 2, err: err}
}
