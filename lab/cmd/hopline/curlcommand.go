package main

import (
	"os"

	"github.com/hopline/hopline/lab/send"
)

type curlCommand struct{ send.Command }

// Run sends a request through the running lab. Its exit code is 1 if there is no response, whatever the status of a response is.
func (c *curlCommand) Run(p program) error { return c.Execute(p.stop, os.Stdin, p.out, p.err) }
