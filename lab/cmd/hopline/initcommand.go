package main

import (
	"fmt"
	"path/filepath"

	"github.com/hopline/hopline/lab/internal/bundle"
)

type initCommand struct {
	Dir string `arg:"" help:"New or empty directory."`
}

// Run writes the overlays that hopline contains to a directory, to be edited.
func (c *initCommand) Run(p program) error {
	if err := bundle.Init(c.Dir); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.out, "hopline: wrote the overlays to %s. hopline up %s runs canary, hopline up %s another one.\n",
		c.Dir, c.Dir, filepath.Join(c.Dir, "overlays", "NAME"))
	return err
}
