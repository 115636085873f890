package drive

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/workload"
)

type workloadArg struct {
	Workload string `arg:"" help:"Deployment: middle-canary, or hopline/middle-canary."`
}

type scaleCommand struct {
	workloadArg
	Replicas int `arg:"" help:"Number of replicas."`
}

// Run scales a workload.
func (s scaleCommand) Run(ctx context.Context, out io.Writer, c *Command) error {
	return c.do(ctx, out, Request{Kind: Scale, Workload: s.Workload, Value: jsonOf(s.Replicas)})
}

type stopCommand struct{ workloadArg }

// Run stops a workload.
func (s stopCommand) Run(ctx context.Context, out io.Writer, c *Command) error {
	return c.do(ctx, out, Request{Kind: Stop, Workload: s.Workload})
}

type startCommand struct{ workloadArg }

// Run starts a workload that was stopped.
func (s startCommand) Run(ctx context.Context, out io.Writer, c *Command) error {
	return c.do(ctx, out, Request{Kind: Start, Workload: s.Workload})
}

type podArg struct {
	Pod string `arg:"" help:"Pod, or a workload that has only one."`
}

type killCommand struct{ podArg }

// Run kills the process of a pod.
func (k killCommand) Run(ctx context.Context, out io.Writer, c *Command) error {
	return c.do(ctx, out, Request{Kind: Kill, Pod: k.Pod})
}

type drainCommand struct{ podArg }

// Run drains a pod.
func (k drainCommand) Run(ctx context.Context, out io.Writer, c *Command) error {
	return c.do(ctx, out, Request{Kind: Drain, Pod: k.Pod})
}

// ofServices returns a change of a workload, or of a pod if one has the name.
func (c *Command) ofServices(ctx context.Context, kind Kind, name string, value json.RawMessage) (Request, error) {
	lab, err := current.Ask(ctx, c.ConsolePort)
	if err != nil {
		return Request{}, err
	}
	if slices.ContainsFunc(lab.Pods, func(p workload.Status) bool { return p.Name == name }) {
		return Request{Kind: kind, Pod: name, Value: value}, nil
	}
	return Request{Kind: kind, Workload: name, Value: value}, nil
}

type faultsCommand struct {
	Name    string   `arg:"" help:"Workload or pod."`
	Errors  *float64 `placeholder:"PERCENT" help:"Share of requests that get a 500."`
	Drops   *float64 `placeholder:"PERCENT" help:"Share of requests whose connection is closed without a response."`
	Latency string   `placeholder:"TIME" help:"Delay: 250ms, or 100ms-2s for a random one."`
}

// Run sets the faults of a workload or pod.
func (f faultsCommand) Run(ctx context.Context, out io.Writer, c *Command) error {
	r, err := c.ofServices(ctx, Faults, f.Name, jsonOf(f.value()))
	if err != nil {
		return err
	}
	return c.do(ctx, out, r)
}

// Validate checks that there is a fault to set; kong calls it.
func (f faultsCommand) Validate() error {
	if len(f.value()) == 0 {
		return errors.New("want --errors, --drops or --latency")
	}
	return nil
}

// value returns the faults to set, as the services have them.
func (f faultsCommand) value() map[string]any {
	value := map[string]any{}
	if f.Errors != nil {
		value["error_rate"] = *f.Errors
	}
	if f.Drops != nil {
		value["drop_rate"] = *f.Drops
	}
	if f.Latency != "" {
		value["latency"] = f.Latency
	}
	return value
}

type healCommand struct {
	Name string `arg:"" help:"Workload or pod."`
}

// Run heals a workload or pod.
func (h healCommand) Run(ctx context.Context, out io.Writer, c *Command) error {
	r, err := c.ofServices(ctx, Heal, h.Name, nil)
	if err != nil {
		return err
	}
	return c.do(ctx, out, r)
}
