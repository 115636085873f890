package lint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/hopline/hopline/lab/rules"
)

// Command holds the command line of `hopline lint`, for kong. Execute runs it.
type Command struct {
	Paths []string `arg:"" optional:"" placeholder:"PATH" help:"Files, directories or kustomizations of rules; - is standard input (the current directory)."`

	Context string   `placeholder:"NAME" help:"Check the rules of a cluster: that of this context of kubectl, which is only read."`
	Ignore  []string `placeholder:"CODE,..." help:"Codes that are not reported; may be given again. An annotation hopline.io/lint-ignore silences codes for one object."`
	JSON    bool     `name:"json" help:"Print the findings as JSON."`
}

// ErrFound is the error of Execute if there is a finding. Execute has then printed the findings.
var ErrFound = errors.New("faults in the rules")

// Execute checks the rules and writes the findings to out. It reads rules "-" from in. An error other than ErrFound reports rules that cannot
// be read. annotate is whether to write annotations for GitHub Actions.
func (c *Command) Execute(ctx context.Context, in io.Reader, out io.Writer, annotate bool) error {
	for _, name := range c.Ignore {
		if !IsCode(name) {
			return fmt.Errorf("--ignore: want codes from HL001 to %s, got %q", lastCode(), name)
		}
	}
	paths := c.Paths
	switch {
	case c.Context != "" && len(paths) > 0:
		return errors.New("want rules or --context, got both")
	case c.Context != "":
		paths = []string{rules.InContext(c.Context)}
	case len(paths) == 0:
		paths = []string{"."}
	}
	r, err := rules.ReadWhole(ctx, paths, in)
	if err != nil {
		return err
	}
	if r.Empty() {
		return fmt.Errorf("%s: want objects that affect routing, got none", strings.Join(paths, ", "))
	}
	report := Report{LeftOut: r.LeftOut, NotComputed: r.NotComputed, Assumed: r.Assumed}
	if report.Findings, report.Silenced, err = Check(r, c.Ignore); err != nil {
		return err
	}
	if err := c.print(&report, out, annotate); err != nil {
		return err
	}
	if len(report.Findings) > 0 {
		return ErrFound
	}
	return nil
}

func (c *Command) print(r *Report, out io.Writer, annotate bool) error {
	if c.JSON {
		return r.writeJSON(out)
	}
	if _, err := io.WriteString(out, strings.Join(r.lines(), "\n")+"\n"); err != nil || !annotate {
		return err
	}
	return r.annotate(out)
}
