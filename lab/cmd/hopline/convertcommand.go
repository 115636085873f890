package main

import (
	"errors"
	"os"

	"github.com/hopline/hopline/lab/compare"
	"github.com/hopline/hopline/lab/convert"
)

type convertCommand struct{ convert.Command }

// Run converts rules. Its exit code is 1 if requests are treated differently, and 2 if rules cannot be read or converted.
func (c *convertCommand) Run(p program) error {
	err := c.Execute(p.stop, os.Stdin, p.out, p.err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, compare.ErrDiffer):
		return exit{code: 1}
	}
	return exit{code: 2, err: err}
}
