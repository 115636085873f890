// Package diff implements `hopline diff`, which shows the requests that other rules treat differently. It reads both sides leniently (package
// rules) and compares all requests that callers can send (package compare).
package diff

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/hopline/hopline/lab/compare"
	"github.com/hopline/hopline/lab/internal/tty"
	"github.com/hopline/hopline/lab/rules"
)

// Command holds the command line of `hopline diff`, for kong. Execute runs it.
type Command struct {
	Old string `arg:"" help:"Rules before the change: a file, a directory, - for standard input, REVISION:PATH of the git repository here, or context:NAME for the cluster of a context of kubectl."`
	New string `arg:"" help:"Rules after the change: the same forms."`

	JSON bool `name:"json" help:"Print the differences as JSON."`
}

// result holds the comparison, and what is not compared.
type result struct {
	compare.Result
	NotComputed []string `json:"not_computed"` // parts of either side that are not compared
	Assumed     []string `json:"assumed"`
}

// Execute compares the rules and writes the differences to out. It reads rules "-" from in. An error other than compare.ErrDiffer reports rules that
// cannot be read.
func (c *Command) Execute(ctx context.Context, in io.Reader, out io.Writer) error {
	if c.Old == "-" && c.New == "-" {
		return errors.New("want standard input on one side only")
	}
	before, err := rules.Read(ctx, []string{c.Old}, in)
	if err != nil {
		return err
	}
	after, err := rules.Read(ctx, []string{c.New}, in)
	if err != nil {
		return err
	}
	r := result{Result: compare.Tables(compare.Rules{Overlay: before.Overlay, Table: before.Table}, compare.Rules{Overlay: after.Overlay, Table: after.Table}),
		NotComputed: both(before.NotComputed, after.NotComputed), Assumed: both(before.Assumed, after.Assumed)}
	if err := c.print(&r, out); err != nil {
		return err
	}
	if len(r.Groups) > 0 {
		return compare.ErrDiffer
	}
	return nil
}

// both joins the lines of two sides, without duplicates.
func both(a, b []string) []string {
	all := slices.Concat([]string{}, a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

func (c *Command) print(r *result, out io.Writer) error {
	if c.JSON {
		return tty.WriteJSON(out, r)
	}
	const none = "no request that callers of both sides can send is treated differently"
	_, err := io.WriteString(out, r.Text(none, r.NotComputed, r.Assumed, c.readable()))
	return err
}

// readable returns the side that another command can read too: the new one, unless it is standard input.
func (c *Command) readable() string {
	if c.New == "-" {
		return c.Old
	}
	return c.New
}
