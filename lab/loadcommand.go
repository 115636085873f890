package main

import "github.com/hopline/hopline/lab/load"

type loadCommand struct{ load.Command }

// Run sends the load until it is done or the user stops it, and reports either way.
func (c *loadCommand) Run(p program) error {
	return c.Execute(p.stop, load.Output{Report: p.out, Progress: p.err, TTY: screen(p.err).TTY})
}
