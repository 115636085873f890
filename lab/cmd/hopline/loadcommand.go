package main

import (
	"io"

	"github.com/hopline/hopline/lab/load"
)

type loadCommand struct{ load.Command }

// Run sends the load until it is done or the user stops it, and prints the report in both cases.
func (c *loadCommand) Run(p program) error {
	terminal := screen(p.err)
	progress := io.Writer(p.err)
	if terminal.TTY {
		progress = p.err.Raw() // the bar moves the cursor; it contains only figures
	}
	return c.Execute(p.stop, load.Output{Report: p.out, Progress: progress, TTY: terminal.TTY, Wide: terminal.Wide})
}
