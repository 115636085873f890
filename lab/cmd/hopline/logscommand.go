package main

import (
	"errors"

	"github.com/hopline/hopline/lab/logs"
)

type logsCommand struct{ logs.Command }

// Run prints the lines until the user stops it. Its exit code is 2 if an argument is invalid.
func (c *logsCommand) Run(p program) error {
	err := c.Execute(p.stop, p.out, screen(p.out).Colour)
	if errors.Is(err, logs.ErrInvalid) {
		return exit{code: 2, err: err}
	}
	return err
}
