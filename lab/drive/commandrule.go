package drive

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/internal/usage"
)

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

// Validate checks that there is a fault to set or to remove; kong calls it.
func (f faultCommand) Validate() error {
	if f.None == (f.Abort != 0 || f.Delay != 0) {
		return errors.New("want --abort, --delay, or both, or --none")
	}
	return nil
}

// Run sets the fault of a rule.
func (f faultCommand) Run(ctx context.Context, out io.Writer, c *Command) error {
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
		return usage.Errorf("retries: want a number or none, got %q", r.Attempts)
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
		return usage.Errorf("--per-try-timeout: an HTTPRoute has it among its timeouts: want hopline drive timeout %s TIME --try=%s", r.Rule, r.PerTryTimeout)
	}
	value := map[string]any{"attempts": attempts}
	if r.On != "" {
		var codes []int
		for _, word := range strings.Split(r.On, ",") {
			code, err := strconv.Atoi(word)
			if err != nil {
				return usage.Errorf("--on: an HTTPRoute names each status: want codes such as 502,503, got %q", word)
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
		return usage.Errorf("--percent: an HTTPRoute has whole percents: want 12 or 13, got %v", m.Percent)
	}
	service, text, named := strings.Cut(m.To, ":")
	backend := map[string]any{"name": service}
	switch port, err := strconv.Atoi(text); {
	case named && err != nil:
		return usage.Errorf("mirror: want SERVICE or SERVICE:PORT, got %q", m.To)
	case named:
		backend["port"] = port
	case len(route.BackendRefs) > 0:
		backend["port"] = route.BackendRefs[0].Port
	}
	return c.do(ctx, out, m.request(Mirror, map[string]any{"backendRef": backend, "percent": int(m.Percent)}))
}
