package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

type explainCommand struct {
	Method string `arg:"" help:"Method of the request: GET."`
	URL    string `arg:"" help:"What is asked for: http://localhost:8080/demo-app/ at the ingress, http://middle/hops from a workload."`

	Header  []string `short:"H" sep:"none" placeholder:"'NAME: VALUE'" help:"Header of the request; may be given again."`
	From    string   `placeholder:"WORKLOAD" help:"Who asks: a Deployment, front-blue or hopline/front-blue (the ingress gateway)."`
	Overlay string   `default:"deploy/overlays/canary" placeholder:"DIR" help:"Overlay directory (${default})."`

	ConsolePort int `default:"8090" placeholder:"PORT" help:"Where the lab, if it runs, is asked for the endpoints (${default})."`
}

// Run explains a request by the rules of the overlay as it stands on disk. Nothing has to run; when the lab runs that overlay, its endpoints are
// told too.
func (c *explainCommand) Run(p program) error {
	o, table, err := mesh.Load(c.Overlay)
	if err != nil {
		return fmt.Errorf("%s cannot run:\n%w", c.Overlay, err)
	}
	from, bare, err := c.source(o)
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
	explanation := explain(request, from)
	lookup, note := c.endpoints(p.stop, o)
	for i, share := range explanation.Shares {
		if share.Cluster.Known && len(share.Cluster.Selector) > 0 {
			explanation.Shares[i].Endpoints = lookup(share.Cluster)
		}
	}
	switch {
	case c.From == "" && explanation.Outcome == mesh.NoRoute:
		note = "that is at the ingress gateway; --from WORKLOAD asks from inside the mesh\n"
	case len(explanation.Shares) == 0 || explanation.Refusal != "":
		note = ""
	}
	_, err = fmt.Fprint(p.out, explanation.String(), note)
	return err
}

// source is who asks, and whether it does so without a sidecar.
func (c *explainCommand) source(o *overlay.Overlay) (source *mesh.Source, bare bool, err error) {
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
		return nil, false, fmt.Errorf("--from %s: no such workload in %s; it has %s", c.From, c.Overlay, strings.Join(names, ", "))
	}
	from, bare := mesh.SourceOf(o, found[0])
	return &from, bare, nil
}

// request is what is asked.
func (c *explainCommand) request(from *mesh.Source) (*mesh.Request, error) {
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
	if port := u.Port(); port != "" && !from.Gateway { // all that reaches the gateway reaches its port 80
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
