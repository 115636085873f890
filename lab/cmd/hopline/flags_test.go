package main

import (
	"slices"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/hopline/hopline/lab/load"
)

// Each command that queries a lab finds it by the variable that `hopline up` reads its port from: a lesson is checked with ports of its own.
func TestEveryConsolePortIsSetByItsVariable(t *testing.T) {
	t.Parallel()
	parser, err := kong.New(&commands{}, kong.Vars(load.Vars()))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	err = kong.Visit(parser.Model, func(node kong.Visitable, next kong.Next) error {
		if f, ok := node.(*kong.Flag); ok && f.Name == "console-port" {
			found++
			if !slices.Equal(f.Envs, []string{"HOPLINE_CONSOLE_PORT"}) {
				t.Errorf("%s: variables %v, want HOPLINE_CONSOLE_PORT", f.Summary(), f.Envs)
			}
		}
		return next(nil)
	})
	if err != nil || found < 5 {
		t.Errorf("%d flags, %v", found, err)
	}
}
