package main

import (
	"errors"
	"os"

	"github.com/hopline/hopline/lab/explain"
)

type explainCommand struct{ explain.Command }

// Run explains a request. Its exit code is 1 if the mesh responds to the request itself, and 2 if an argument or the overlay is invalid.
func (c *explainCommand) Run(p program) error {
	err := c.Execute(p.stop, os.Stdin, p.out)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, explain.ErrNotRouted):
		return exit{code: 1}
	}
	return exit{code: 2, err: err}
}
