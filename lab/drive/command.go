package drive

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/hopline/hopline/lab/internal/current"
)

// callTimeout bounds a command: the lab waits up to 20 s for the workloads of another overlay.
const callTimeout = time.Minute

// Command is the command line of `hopline drive`, for kong.
type Command struct {
	current.Console

	List    listCommand    `cmd:"" help:"List the temporary changes."`
	Weight  weightCommand  `cmd:"" help:"Set the weights of a rule's destinations: weight middle:everybody prod=50 canary=50."`
	Fault   faultCommand   `cmd:"" help:"Abort or delay requests of a rule: fault middle:everybody --abort=503 --percent=10."`
	Timeout timeoutCommand `cmd:"" help:"Set the timeout of a rule: timeout middle:everybody 2s."`
	Retries retriesCommand `cmd:"" help:"Set the retries of a rule: retries middle:everybody 3 --on=5xx."`
	Mirror  mirrorCommand  `cmd:"" help:"Send copies of a rule's requests to another destination: mirror middle:everybody middle/canary."`
	Scale   scaleCommand   `cmd:"" help:"Set the number of replicas of a workload."`
	Stop    stopCommand    `cmd:"" help:"Stop all replicas of a workload."`
	Start   startCommand   `cmd:"" help:"Start a stopped workload again."`
	Kill    killCommand    `cmd:"" help:"Kill the process of a pod with SIGKILL. It restarts."`
	Drain   drainCommand   `cmd:"" help:"Stop a pod gracefully. Another one replaces it."`
	Faults  faultsCommand  `cmd:"" help:"Set the faults of a workload's services, or of one pod's: faults core-prod --errors=50."`
	Heal    healCommand    `cmd:"" help:"Clear the faults of a workload or pod, and end its ejections."`
	Overlay overlayCommand `cmd:"" help:"Switch to another overlay."`
	Undo    undoCommand    `cmd:"" help:"Undo a change, or all."`
	Patch   patchCommand   `cmd:"" help:"Print a change as a kustomize patch for the overlay."`
	Keep    keepCommand    `cmd:"" help:"Write a change to the overlay's files."`
}

// do sends a change to the lab and prints the result.
func (c *Command) do(ctx context.Context, out io.Writer, r Request) error {
	var done struct {
		Change  Change
		Dropped []string
	}
	if err := c.call(ctx, http.MethodPost, "/api/changes", r, &done); err != nil {
		return err
	}
	text := fmt.Sprintf("%s: %s", done.Change.Target, done.Change.Text)
	if done.Change.ID != "" {
		text += "\nhopline drive undo " + done.Change.ID + " undoes it"
	}
	return print(out, append([]string{text}, done.Dropped...))
}

// call sends a request to the lab.
func (c *Command) call(ctx context.Context, method, path string, body, result any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return current.Call(ctx, c.ConsolePort, method, path, body, result)
}

// print writes lines.
func print(out io.Writer, lines []string) error {
	for _, line := range lines {
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}

type listCommand struct{}

// Run lists the changes.
func (listCommand) Run(ctx context.Context, out io.Writer, c *Command) error {
	var list struct{ Changes []Change }
	if err := c.call(ctx, http.MethodGet, "/api/changes", nil, &list); err != nil {
		return err
	}
	if len(list.Changes) == 0 {
		return print(out, []string{"There are no temporary changes."})
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, change := range list.Changes {
		if _, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", change.ID, time.UnixMilli(change.Since).Format(time.TimeOnly), change.Target, change.Text); err != nil {
			return err
		}
	}
	return table.Flush()
}

type overlayCommand struct {
	Name string `arg:"" optional:"" help:"Overlay beside the one that the lab was started with, or one that hopline contains. Without it: list them."`
}

// Run switches to another overlay, or lists the overlays.
func (o overlayCommand) Run(ctx context.Context, out io.Writer, c *Command) error {
	if o.Name != "" {
		return c.do(ctx, out, Request{Kind: Overlay, Overlay: o.Name})
	}
	var all struct {
		Active   string
		Overlays []string
	}
	if err := c.call(ctx, http.MethodGet, "/api/overlays", nil, &all); err != nil {
		return err
	}
	for i, name := range all.Overlays {
		if name == all.Active {
			all.Overlays[i] += " (active)"
		}
	}
	return print(out, all.Overlays)
}

// idArg names a change.
type idArg struct {
	ID string `arg:"" help:"ID of the change, as list prints it."`
}

func (i idArg) path() string { return "/api/changes/" + url.PathEscape(i.ID) }

type undoCommand struct {
	ID string `arg:"" help:"ID of the change, as list prints it, or all."`
}

// Run undoes a change, or all.
func (u undoCommand) Run(ctx context.Context, out io.Writer, c *Command) error {
	path := idArg(u).path()
	if u.ID == "all" {
		path = "/api/changes"
	}
	var done struct{ Dropped []string }
	if err := c.call(ctx, http.MethodDelete, path, nil, &done); err != nil {
		return err
	}
	return print(out, append([]string{"undone"}, done.Dropped...))
}

type patchCommand struct{ idArg }

// Run prints a change as a patch.
func (p patchCommand) Run(ctx context.Context, out io.Writer, c *Command) error {
	var patch []byte
	if err := c.call(ctx, http.MethodGet, p.path()+"/patch", nil, &patch); err != nil {
		return err
	}
	_, err := out.Write(patch)
	return err
}

type keepCommand struct{ idArg }

// Run writes a change to the overlay's files.
func (k keepCommand) Run(ctx context.Context, out io.Writer, c *Command) error {
	var done struct{ Files []string }
	if err := c.call(ctx, http.MethodPost, k.path()+"/keep", nil, &done); err != nil {
		return err
	}
	return print(out, []string{"kept in " + strings.Join(done.Files, ", ")})
}
