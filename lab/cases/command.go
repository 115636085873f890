package cases

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/overlay"
	"github.com/hopline/hopline/lab/rules"
)

// Command holds the command line of `hopline test`, for kong. Execute runs it.
type Command struct {
	Paths []string `arg:"" optional:"" placeholder:"PATH" help:"Files of cases, or directories: every _test.yaml below them (the current directory)."`

	Rules     []string `short:"f" name:"file" sep:"none" placeholder:"PATH" xor:"rules" help:"Rules to test, instead of those that the files of cases name; - is standard input; may be given again."`
	Context   string   `placeholder:"NAME" xor:"rules" help:"Test the rules of a cluster: that of this context of kubectl, which is only read."`
	Run       string   `placeholder:"REGEXP" help:"Run only the cases whose names match."`
	Write     string   `placeholder:"FILE" help:"Write a file of cases with the current results of the rules of -f, one case for each rule, and run nothing."`
	Coverage  bool     `help:"List the rules that no case covers."`
	FailUnder float64  `placeholder:"PERCENT" help:"Fail if the cases cover a smaller share of the rules."`
	JUnit     string   `name:"junit" placeholder:"FILE" help:"Write the results as JUnit's XML as well."`
	JSON      bool     `name:"json" help:"Print the results as JSON."`
}

// ErrFailed is the error of Execute if a case failed, or too few rules are covered. Execute has then printed the results.
var ErrFailed = errors.New("cases failed")

// Execute runs the cases and writes the results to out. It reads rules "-" from in. An error other than ErrFailed reports cases or rules
// that cannot be read. annotate is whether to write annotations for GitHub Actions.
func (c *Command) Execute(ctx context.Context, in io.Reader, out io.Writer, annotate bool) error {
	if c.FailUnder < 0 || c.FailUnder > 100 {
		return fmt.Errorf("--fail-under: want a percentage from 0 to 100, got %g", c.FailUnder)
	}
	if c.Context != "" {
		c.Rules = []string{rules.InContext(c.Context)}
	}
	if c.Write != "" {
		return c.write(ctx, in, out)
	}
	files, only, err := c.files()
	if err != nil {
		return err
	}
	sets, err := Sets(ctx, files, only, in)
	if err != nil {
		return err
	}
	report := Report{Files: len(files), ShowCoverage: c.Coverage || c.FailUnder > 0, FailUnder: c.FailUnder}
	for _, s := range sets {
		results := s.Run()
		report.Results = append(report.Results, results...)
		report.Coverage.cover(s, results)
	}
	if len(report.Results) == 0 {
		return errors.New("no case to run")
	}
	if err := c.print(&report, out, annotate); err != nil {
		return err
	}
	if report.Failed() {
		return ErrFailed
	}
	return nil
}

// files reads the files of cases.
func (c *Command) files() ([]*File, *regexp.Regexp, error) {
	only, err := regexp.Compile(c.Run)
	if err != nil {
		return nil, nil, fmt.Errorf("--run: %w", err)
	}
	paths := c.Paths
	if len(paths) == 0 {
		paths = []string{"."}
	}
	found, err := Find(paths)
	if err != nil {
		return nil, nil, err
	}
	var files []*File
	var errs []error
	for _, path := range found {
		f, err := ReadFile(path)
		if f != nil && f.ofPromtool && !slices.Contains(paths, path) {
			continue
		}
		errs = append(errs, err)
		if err == nil {
			files = append(files, f)
			if len(c.Rules) > 0 {
				f.Rules = c.Rules
			}
		}
	}
	if len(errs) == 0 {
		return nil, nil, fmt.Errorf("%s: want a file whose name ends in _test.yaml, got none; hopline test --write routes_test.yaml -f PATH writes one", strings.Join(paths, ", "))
	}
	return files, only, overlay.Join(errs...)
}

// print prints a report in all requested forms.
func (c *Command) print(r *Report, out io.Writer, annotate bool) error {
	if c.JUnit != "" {
		if err := writeFile(c.JUnit, r.writeJUnit); err != nil {
			return err
		}
	}
	if c.JSON {
		return r.writeJSON(out)
	}
	if err := r.writeText(out); err != nil {
		return err
	}
	if annotate {
		return r.annotate(out)
	}
	return nil
}

func writeFile(name string, write func(io.Writer) error) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}
