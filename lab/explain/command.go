// Package explain implements `hopline explain`: it shows where an overlay's rules route a request, and why. It needs no running lab; if the
// lab runs that overlay, the explanation includes its endpoints.
package explain

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/hopline/hopline/lab/internal/bundle"
	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/rules"
)

// Command holds the command line of `hopline explain`, for kong. Execute runs it.
type Command struct {
	Method string `arg:"" help:"Method of the request: GET."`
	URL    string `arg:"" help:"The URL of the request: http://localhost:8080/demo-app/ at the ingress, http://middle/hops from a workload."`

	Header  []string `short:"H" sep:"none" placeholder:"'NAME: VALUE'" help:"Header of the request; may be given again."`
	From    string   `placeholder:"WORKLOAD" help:"The caller: a workload, front-blue or hopline/front-blue; hopline/ for any other workload of a namespace (the ingress gateway)."`
	Overlay string   `placeholder:"DIR" xor:"rules" help:"Overlay, as for hopline up (that of the running lab, else canary)."`
	Files   []string `name:"file" short:"f" sep:"none" placeholder:"FILE" xor:"rules" help:"Read any rules from a YAML file, a directory, REVISION:PATH of the git repository here or standard input (-), and leave out what does not affect routing; may be given again."`
	Context string   `placeholder:"NAME" xor:"rules" help:"Read the rules of a cluster: that of this context of kubectl, which is only read."`
	JSON    bool     `name:"json" help:"Print the explanation as JSON."`

	Conditions bool `help:"Also print the status of all Gateways and HTTPRoutes of the Gateway API, as Istio writes it."`

	current.Console
}

// ErrNotRouted is the error of Execute if the mesh responds to the request itself. Execute has then written the explanation.
var ErrNotRouted = errors.New("the mesh responds to the request itself")

// Execute writes the explanation to out. It reads files "-" from in. The error is ErrNotRouted if the request reaches no workload and no
// outside host. Any other error reports invalid input, or a question that has no certain answer.
func (c *Command) Execute(ctx context.Context, in io.Reader, out io.Writer) error {
	question := rules.Question{From: c.From, Method: c.Method, URL: c.URL}
	for _, text := range c.Header {
		h, err := rules.ParseHeader(text)
		if err != nil {
			return err
		}
		question.Headers = append(question.Headers, h)
	}
	choice, of, err := c.rules(ctx, in, &question)
	if err != nil {
		return err
	}
	a, err := Ask(&question, of, choice.Why, choice.Lab)
	if err != nil {
		return err
	}
	if c.Conditions {
		a.Conditions = of.Table.Conditions()
	}
	if c.JSON {
		err = a.writeJSON(out)
	} else {
		_, err = io.WriteString(out, a.Text())
	}
	if err == nil && a.Status() != 0 {
		return ErrNotRouted
	}
	return err
}

// rules reads the rules of the explanation.
func (c *Command) rules(ctx context.Context, in io.Reader, q *rules.Question) (choice current.Choice, of *rules.Rules, err error) {
	if c.Context != "" {
		c.Files = []string{rules.InContext(c.Context)}
	}
	if len(c.Files) > 0 {
		names := strings.Join(c.Files, ", ")
		choice = current.Choice{Dir: names, Why: "rules of " + names}
		of, err = rules.Read(ctx, c.Files, in, q.Ports()...)
		return choice, of, err
	}
	if choice, err = current.Choose(ctx, c.Overlay, c.ConsolePort); err != nil {
		return choice, nil, err
	}
	o, table, err := choice.Load()
	if err != nil {
		return choice, nil, err
	}
	return choice, rules.Of(o, table, bundle.Shown(choice.Dir)), nil
}
