package convert

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/hopline/hopline/lab/compare"
	"github.com/hopline/hopline/lab/overlay"
	"github.com/hopline/hopline/lab/rules"
)

// Command holds the command line of `hopline convert`, for kong. Execute runs it.
type Command struct {
	Rules []string `arg:"" help:"Rules to convert: files, directories, - for standard input, REVISION:PATH of the git repository here, or context:NAME for the cluster of a context of kubectl."`

	Output   string `short:"o" placeholder:"DIR" help:"Write each object to a file of this directory, which is new or empty. From one kustomization it becomes an overlay over it, for hopline up."`
	Segments bool   `help:"Write prefixes of paths as PathPrefix, which matches whole segments: /a no longer matches /ab. Without it they are regular expressions, unless a rule rewrites the prefix."`
}

// Execute converts the rules and compares them with the result. It writes the objects to out and the comparison to progress, or with Output the
// comparison to out. It reads rules "-" from in. An error other than compare.ErrDiffer reports rules that cannot be read or converted; then it has
// written nothing.
func (c *Command) Execute(ctx context.Context, in io.Reader, out, progress io.Writer) error {
	r, err := rules.Read(ctx, c.Rules, in)
	if err != nil {
		return err
	}
	converted, err := Convert(r, Options{Segments: c.Segments})
	if err != nil {
		return err
	}
	proof, err := Prove(r, converted)
	if err != nil {
		return err
	}
	if c.Output != "" {
		progress, err = out, converted.write(c.Output, c.Rules)
	} else {
		var text []byte
		if text, err = converted.YAML(); err == nil {
			_, err = out.Write(text)
		}
	}
	if err != nil {
		return err
	}
	if _, err := io.WriteString(progress, c.report(r, converted, proof)); err != nil {
		return err
	}
	if len(proof.Groups) > 0 {
		return compare.ErrDiffer
	}
	return nil
}

// report returns what was converted and what the comparison found.
func (c *Command) report(r *rules.Rules, converted *Result, proof *Proof) string {
	var b strings.Builder
	var made []overlay.Meta
	for _, o := range converted.Objects {
		if !o.stays {
			made = append(made, o.Meta)
		}
	}
	fmt.Fprintf(&b, "wrote %s\n", kinds(made))
	for _, m := range converted.Replaced {
		fmt.Fprintf(&b, "replaced: %s\n", m)
	}
	for _, m := range converted.Reduced {
		fmt.Fprintf(&b, "replaced: the subsets of %s\n", m)
	}
	for _, line := range converted.Notes {
		fmt.Fprintf(&b, "%s\n", line)
	}
	b.WriteString(proof.Text("no request goes elsewhere", r.NotComputed, r.Assumed, c.Rules...))
	return b.String()
}
