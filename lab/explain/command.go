// Package explain is `hopline explain`: it shows where an overlay's rules route a request, and why. It needs no running lab; if the lab
// runs that overlay, the explanation includes its endpoints.
package explain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// Command holds the command line of `hopline explain`, for kong. Execute runs it.
type Command struct {
	Method string `arg:"" help:"Method of the request: GET."`
	URL    string `arg:"" help:"What is asked for: http://localhost:8080/demo-app/ at the ingress, http://middle/hops from a workload."`

	Header  []string `short:"H" sep:"none" placeholder:"'NAME: VALUE'" help:"Header of the request; may be given again."`
	From    string   `placeholder:"WORKLOAD" help:"Who asks: a Deployment, front-blue or hopline/front-blue (the ingress gateway)."`
	Overlay string   `placeholder:"DIR" xor:"rules" help:"Overlay, as hopline up takes it (that of the running lab, else canary)."`
	Files   []string `name:"file" short:"f" sep:"none" placeholder:"FILE" xor:"rules" help:"Read the rules from a YAML file, from those of a directory, or from standard input (-); may be given again."`
	JSON    bool     `name:"json" help:"Print the explanation as JSON."`

	ConsolePort int `default:"8090" env:"HOPLINE_CONSOLE_PORT" placeholder:"PORT" help:"Where the lab, if it runs, is asked for its overlay and endpoints (${default})."`
}

// ErrNotRouted is the error of Execute if the mesh responds to the request itself. Execute has then written the explanation.
var ErrNotRouted = errors.New("the mesh answers the request itself")

// Execute writes the explanation to out. It reads files "-" from in. The error is ErrNotRouted if the request reaches no workload and no
// outside host; any other error reports invalid input.
func (c *Command) Execute(ctx context.Context, in io.Reader, out io.Writer) error {
	rules, o, table, err := c.rules(ctx, in)
	if err != nil {
		return err
	}
	from, bare, err := c.source(o, rules.Dir)
	if err != nil {
		return err
	}
	request, err := c.request(from)
	if err != nil {
		return err
	}
	explain := table.Explain
	if bare {
		explain = table.ExplainBare
	}
	a := answer{Explanation: explain(request, from), Rules: rules.Why}
	a.endpoints(rules, from)
	if c.From == "" && a.Outcome == mesh.NoRoute {
		a.Near = append(a.Near, "that is at the ingress gateway; --from WORKLOAD asks from inside the mesh")
	}
	write := a.writeText
	if c.JSON {
		write = a.writeJSON
	}
	if err := write(out); err != nil {
		return err
	}
	if a.Status() != 0 {
		return ErrNotRouted
	}
	return nil
}

// rules reads the objects of the explanation, and makes their table.
func (c *Command) rules(ctx context.Context, in io.Reader) (choice current.Choice, o *overlay.Overlay, table *mesh.Table, err error) {
	if len(c.Files) > 0 {
		names := strings.Join(c.Files, ", ")
		choice = current.Choice{Dir: names, Why: "rules of " + names}
		if o, err = overlay.LoadFiles(c.Files, in); err == nil {
			table, err = mesh.Compile(o)
		}
		return choice, o, table, err
	}
	if choice, err = current.Choose(ctx, c.Overlay, c.ConsolePort); err != nil {
		return choice, nil, nil, err
	}
	if o, table, err = mesh.Load(choice.Dir); err != nil {
		err = fmt.Errorf("%s cannot run:\n%w", choice.Dir, err)
	}
	return choice, o, table, err
}

// source returns the caller, and whether it has no sidecar.
func (c *Command) source(o *overlay.Overlay, dir string) (source *mesh.Source, bare bool, err error) {
	if c.From == "" {
		gateway := mesh.IngressGateway()
		return &gateway, false, nil
	}
	var found []overlay.Deployment
	for _, d := range o.Deployments {
		if c.From == d.Name || c.From == d.Namespace+"/"+d.Name {
			found = append(found, d)
		}
	}
	if len(found) != 1 {
		names := make([]string, len(o.Deployments))
		for i, d := range o.Deployments {
			names[i] = d.Namespace + "/" + d.Name
		}
		slices.Sort(names)
		if len(found) > 1 {
			return nil, false, fmt.Errorf("--from %s: there is more than one, name its namespace too: %s", c.From, strings.Join(names, ", "))
		}
		return nil, false, fmt.Errorf("--from %s: no such workload in %s; it has %s", c.From, dir, strings.Join(names, ", "))
	}
	from, bare := mesh.SourceOf(o, found[0])
	return &from, bare, nil
}

// request returns the request to explain.
func (c *Command) request(from *mesh.Source) (*mesh.Request, error) {
	address := c.URL
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" {
		return nil, fmt.Errorf("URL %q: want one such as http://middle/hops", c.URL)
	}
	path, ok := mesh.NormalizePath(u.RequestURI())
	if !ok {
		return nil, fmt.Errorf("URL %q: Istio answers such a path with 400", c.URL)
	}
	r := &mesh.Request{Method: strings.ToUpper(c.Method), Authority: u.Host, Path: path, Scheme: "http", Port: 80, Header: http.Header{}}
	if port := u.Port(); port != "" && !from.Gateway { // every request to the gateway reaches its port 80
		if r.Port, err = strconv.Atoi(port); err != nil {
			return nil, fmt.Errorf("URL %q: port %q is none", c.URL, port)
		}
	}
	for _, header := range c.Header {
		name, value, ok := strings.Cut(header, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return nil, fmt.Errorf("header %q: want 'name: value'", header)
		}
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if strings.EqualFold(name, "Host") {
			r.Authority = value
			continue
		}
		r.Header.Add(name, value)
	}
	return r, nil
}
