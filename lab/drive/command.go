package drive

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/workload"
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

// ruleArg names a rule: OBJECT or OBJECT:RULE.
type ruleArg struct {
	Rule string `arg:"" help:"VirtualService or HTTPRoute, and rule: middle:everybody, hopline/middle:http[1], or middle if it has one rule."`
}

// writtenRoute is the part of a rule of an HTTPRoute that commands need.
type writtenRoute struct{ BackendRefs []struct{ Port int } }

// route returns the rule if it is of an HTTPRoute; nil for that of a VirtualService.
func (r ruleArg) route(ctx context.Context, c *Command) (*writtenRoute, error) {
	object, name, _ := strings.Cut(r.Rule, ":")
	var found struct{ Route *writtenRoute }
	err := c.call(ctx, http.MethodGet, "/api/rule?"+url.Values{"object": {object}, "rule": {name}}.Encode(), nil, &found)
	return found.Route, err
}

// request returns a change of the rule.
func (r ruleArg) request(kind Kind, value any) Request {
	object, name, _ := strings.Cut(r.Rule, ":")
	return Request{Kind: kind, Object: object, Rule: name, Value: jsonOf(value)}
}

// jsonOf returns a value as JSON.
func jsonOf(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // the values of this file hold only texts and numbers
	}
	return text
}

type weightCommand struct {
	ruleArg
	Weights map[string]int `arg:"" help:"Weight of each destination, by subset, host, or Service of an HTTPRoute: prod=50 canary=50."`
}

// Run sets the weights of a rule.
func (w weightCommand) Run(ctx context.Context, out io.Writer, c *Command) error {
	return c.do(ctx, out, w.request(Weights, w.Weights))
}

type faultCommand struct {
	ruleArg
	Abort   int           `placeholder:"STATUS" help:"Respond with this status instead of sending the request."`
	Delay   time.Duration `placeholder:"TIME" help:"Delay the request."`
	Percent float64       `default:"100" help:"Share of the requests, in percent (${default})."`
	None    bool          `help:"Remove the fault of the overlay."`
}

// Run sets the fault of a rule.
func (f faultCommand) Run(ctx context.Context, out io.Writer, c *Command) error {
	if f.None == (f.Abort != 0 || f.Delay != 0) {
		return fmt.Errorf("fault: want --abort, --delay, or both, or --none")
	}
	share := map[string]float64{"value": f.Percent}
	fault := map[string]any{}
	if f.Abort != 0 {
		fault["abort"] = map[string]any{"httpStatus": f.Abort, "percentage": share}
	}
	if f.Delay != 0 {
		fault["delay"] = map[string]any{"fixedDelay": f.Delay.String(), "percentage": share}
	}
	if f.None {
		fault = nil
	}
	return c.do(ctx, out, f.request(Fault, fault))
}

// none is the argument that removes a setting.
const none = "none"

type timeoutCommand struct {
	ruleArg
	Time string `arg:"" help:"Duration, or none."`
	Try  string `placeholder:"TIME" help:"Timeout of each try, of an HTTPRoute; of a VirtualService retries sets it."`
}

// Run sets the timeout of a rule.
func (t timeoutCommand) Run(ctx context.Context, out io.Writer, c *Command) error {
	var value any = t.Time
	switch {
	case t.Try != "" && t.Time == none:
		value = map[string]any{"backendRequest": t.Try}
	case t.Try != "":
		value = map[string]any{"request": t.Time, "backendRequest": t.Try}
	case t.Time == none:
		value = nil
	}
	return c.do(ctx, out, t.request(Timeout, value))
}

type retriesCommand struct {
	ruleArg
	Attempts      string `arg:"" help:"Number of retries, 0 for no retries at all (not of an HTTPRoute), or none for Istio's default."`
	PerTryTimeout string `placeholder:"TIME" help:"Timeout of each try. Of an HTTPRoute it is one of the timeouts: timeout --try."`
	On            string `placeholder:"CONDITIONS" help:"When to retry: 5xx, or others of Istio's retryOn; of an HTTPRoute status codes, 502,503."`
}

// Run sets the retries of a rule.
func (r retriesCommand) Run(ctx context.Context, out io.Writer, c *Command) error {
	if r.Attempts == none {
		return c.do(ctx, out, r.request(Retries, nil))
	}
	attempts, err := strconv.Atoi(r.Attempts)
	if err != nil {
		return fmt.Errorf("retries: want a number or none, got %q", r.Attempts)
	}
	route, err := r.route(ctx, c)
	if err != nil {
		return err
	}
	if route != nil {
		return r.ofRoute(ctx, out, c, attempts)
	}
	value := map[string]any{"attempts": attempts}
	if r.PerTryTimeout != "" {
		value["perTryTimeout"] = r.PerTryTimeout
	}
	if r.On != "" {
		value["retryOn"] = r.On
	}
	return c.do(ctx, out, r.request(Retries, value))
}

// ofRoute sets the retries of a rule of an HTTPRoute.
func (r retriesCommand) ofRoute(ctx context.Context, out io.Writer, c *Command, attempts int) error {
	if r.PerTryTimeout != "" {
		return fmt.Errorf("--per-try-timeout: an HTTPRoute has it among its timeouts: want hopline drive timeout %s TIME --try=%s", r.Rule, r.PerTryTimeout)
	}
	value := map[string]any{"attempts": attempts}
	if r.On != "" {
		var codes []int
		for _, word := range strings.Split(r.On, ",") {
			code, err := strconv.Atoi(word)
			if err != nil {
				return fmt.Errorf("--on: an HTTPRoute names each status: want codes such as 502,503, got %q", word)
			}
			codes = append(codes, code)
		}
		value["codes"] = codes
	}
	return c.do(ctx, out, r.request(Retries, value))
}

type mirrorCommand struct {
	ruleArg
	To      string  `arg:"" help:"HOST or HOST/SUBSET; for an HTTPRoute SERVICE or SERVICE:PORT; or none."`
	Percent float64 `default:"100" help:"Share of the requests, in percent (${default})."`
}

// Run sets the mirror of a rule.
func (m mirrorCommand) Run(ctx context.Context, out io.Writer, c *Command) error {
	if m.To == none {
		return c.do(ctx, out, m.request(Mirror, nil))
	}
	route, err := m.route(ctx, c)
	if err != nil {
		return err
	}
	if route != nil {
		return m.ofRoute(ctx, out, c, route)
	}
	host, subset, _ := strings.Cut(m.To, "/")
	destination := map[string]any{"host": host}
	if subset != "" {
		destination["subset"] = subset
	}
	return c.do(ctx, out, m.request(Mirror, map[string]any{"destination": destination, "percentage": map[string]float64{"value": m.Percent}}))
}

// ofRoute sets the mirror of a rule of an HTTPRoute. Without a port, the copies are sent to that of the rule's first destination.
func (m mirrorCommand) ofRoute(ctx context.Context, out io.Writer, c *Command, route *writtenRoute) error {
	if m.Percent != math.Trunc(m.Percent) {
		return fmt.Errorf("--percent: an HTTPRoute has whole percents: want 12 or 13, got %v", m.Percent)
	}
	service, text, named := strings.Cut(m.To, ":")
	backend := map[string]any{"name": service}
	switch port, err := strconv.Atoi(text); {
	case named && err != nil:
		return fmt.Errorf("mirror: want SERVICE or SERVICE:PORT, got %q", m.To)
	case named:
		backend["port"] = port
	case len(route.BackendRefs) > 0:
		backend["port"] = route.BackendRefs[0].Port
	}
	return c.do(ctx, out, m.request(Mirror, map[string]any{"backendRef": backend, "percent": int(m.Percent)}))
}

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
	if len(value) == 0 {
		return fmt.Errorf("faults: want --errors, --drops or --latency")
	}
	r, err := c.ofServices(ctx, Faults, f.Name, jsonOf(value))
	if err != nil {
		return err
	}
	return c.do(ctx, out, r)
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
