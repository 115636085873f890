package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/hopline/hopline/lab/internal/nearest"
)

// normalize turns `hopline help up` into `hopline up --help`, and `hopline --version` into `hopline version`: users expect both from other
// programs.
func normalize(args []string) []string {
	switch {
	case len(args) > 0 && args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	case len(args) == 1 && args[0] == "--version":
		return []string{"version"}
	}
	return args
}

// mistyped returns an error if the first argument is neither a command nor a directory and is close to the name of a command. After help it is a
// command, and not the argument of the default one.
func mistyped(args []string, commands []*kong.Node) error {
	help := len(args) > 1 && args[0] == "help"
	if help {
		args = args[1:]
	}
	if len(args) == 0 || args[0] == "help" || strings.HasPrefix(args[0], "-") || !help && strings.ContainsAny(args[0], `./\`) {
		return nil
	}
	var names []string
	for _, c := range commands {
		if c.Name == args[0] {
			return nil
		}
		names = append(names, c.Name)
	}
	near := nearest.DidYouMean(args[0], names)
	if !help {
		if _, err := os.Stat(args[0]); err == nil || near == "" {
			return nil
		}
	}
	return fmt.Errorf("no command %s%s", args[0], near)
}

// port parses the number of a port, for kong; 0 is any free one.
func port(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("port", &text); err != nil {
		return err
	}
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return fmt.Errorf("want a port from 0 to 65535, got %q", text)
	}
	target.SetInt(int64(number))
	return nil
}

// withHelp returns the text of a parsing error with the command that prints the help: that of the named command, or of hopline.
func withHelp(err error, args []string) string {
	help := "hopline --help"
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		if node := parse.Context.Selected(); node != nil && len(args) > 0 && node.Path() != "" && strings.HasPrefix(node.Path()+" ", args[0]+" ") {
			help = "hopline " + node.Path() + " --help"
		}
	}
	text := err.Error()
	if !strings.HasSuffix(text, "?") {
		text += ";"
	}
	return text + " " + help + " lists the commands and flags"
}
