package whatif

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/hopline/hopline/lab/compare"
	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/input"
	"github.com/hopline/hopline/lab/internal/tty"
)

// Command holds the command line of `hopline what-if`, for kong. Execute runs it.
type Command struct {
	File string `arg:"" help:"YAML file with the changed rules; - is standard input."`

	JSON bool `name:"json" help:"Print the result as JSON."`
	current.Console
}

// Question is the body of POST /api/whatif.
type Question struct {
	Name string `json:"name"` // of the text, in problems; empty: "the text"
	YAML string `json:"yaml"`
}

// ErrProblems is the error of Execute if the rules of the file cannot run. Execute has then written the reasons.
var ErrProblems = errors.New("the rules cannot run")

// Execute queries the running lab for what the rules of the file would change, and writes the result to out.
func (c *Command) Execute(ctx context.Context, in io.Reader, out io.Writer) error {
	text, err := input.Read(c.File, in, MaxText)
	if err != nil {
		return err
	}
	var answer Answer
	if err := current.Call(ctx, c.ConsolePort, http.MethodPost, "/api/whatif", Question{c.File, string(text)}, &answer); err != nil {
		return err
	}
	if c.JSON {
		err = tty.WriteJSON(out, answer)
	} else {
		_, err = io.WriteString(out, answer.Text())
	}
	if err == nil && len(answer.Problems) > 0 {
		return ErrProblems
	}
	return err
}

// Text returns the result as hopline what-if prints it.
func (a *Answer) Text() string {
	var b strings.Builder
	for _, p := range a.Problems {
		fmt.Fprintln(&b, p.Text)
	}
	if len(a.Problems) > 0 {
		return b.String()
	}
	for _, object := range a.Objects {
		fmt.Fprintln(&b, object)
	}
	if len(a.Objects) == 0 {
		fmt.Fprintln(&b, "these objects run already")
	}
	for _, note := range a.Notes {
		fmt.Fprintln(&b, "note "+note)
	}
	differ := 0
	for _, g := range a.Groups {
		differ += g.Count
	}
	switch {
	case a.Calls == 0:
		fmt.Fprintln(&b, "no calls yet")
	case differ == 0:
		fmt.Fprintf(&b, "of the last %d calls none would be treated differently\n", a.Calls)
	default:
		fmt.Fprintf(&b, "of the last %d calls %d would be treated differently\n", a.Calls, differ)
	}
	writeGroups(&b, a.Groups)
	switch {
	case len(a.Any.Groups) > 0 && a.Any.Compared > 0:
		fmt.Fprintln(&b, "of all requests that callers can send, these would be treated differently")
	default:
		fmt.Fprintln(&b, "of all requests that callers can send, none would be treated differently")
	}
	writeGroups(&b, a.Any.Groups)
	for _, limit := range a.Any.Limits {
		fmt.Fprintln(&b, "note "+limit)
	}
	return b.String()
}

// writeGroups writes groups of differences with their counts and examples.
func writeGroups(b *strings.Builder, groups []compare.Group) {
	for _, g := range groups {
		count := ""
		if g.Example.Trace != "" {
			count = fmt.Sprintf("%d × ", g.Count)
		}
		fmt.Fprintf(b, "  %sfrom %s\n", count, strings.Join(g.Callers, ", "))
		for _, d := range g.Differences {
			if !d.Moved() {
				fmt.Fprintf(b, "    %s: %s -> %s\n", d.Aspect, d.Before, d.After)
				continue
			}
			fmt.Fprintf(b, "    %s:\n", d.Aspect)
			for _, s := range d.Shares {
				fmt.Fprintf(b, "      %s  %s -> %s\n", s.Destination, compare.Percent(s.Before), compare.Percent(s.After))
			}
		}
		fmt.Fprintf(b, "    such as %s\n", g.Example.Command())
	}
}
