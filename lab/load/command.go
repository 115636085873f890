package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/hopline/hopline/lab/internal/bundle"
	"github.com/hopline/hopline/lab/internal/current"
)

// DefaultURL is the suite's URL whose response lists which version of each service responded.
const DefaultURL = "http://localhost:8080/demo-app/hops"

// Bounds of a run.
const (
	maxRate     = 100_000 // requests per second
	maxDuration = 24 * time.Hour
	maxRequests = 50_000_000
	maxInFlight = 50_000
	maxData     = 1 << 20 // bytes of a request's body
)

// Command is the command line of `hopline load`, for kong. Execute runs it.
type Command struct {
	URL string `arg:"" optional:"" default:"${load_url}" help:"The one target (${default}). Redirects to other hosts are not followed."`

	Rate        float64       `default:"50" help:"Requests per second (${default})."`
	Duration    time.Duration `default:"1m" help:"How long (${default})."`
	Ramp        time.Duration `placeholder:"TIME" help:"Climb evenly from 0 to the rate in this time, at the start."`
	Requests    int           `placeholder:"N" help:"End after so many requests, if the time has not ended before."`
	Header      []string      `short:"H" sep:"none" placeholder:"'NAME: VALUE'" help:"Header of every request; may be given again."`
	Method      string        `short:"X" default:"GET" help:"Method of every request (${default})."`
	Data        string        `short:"d" placeholder:"BODY" help:"Body of every request."`
	KeepAlive   bool          `help:"Keep connections open; otherwise every request is a new user with a new connection."`
	Timeout     time.Duration `default:"30s" help:"How long a response may take, its body included (${default})."`
	MaxInFlight int           `default:"1000" help:"How many requests may be in flight; further ones are late, and the report states it (${default})."`
	Overlay     string        `placeholder:"DIR" help:"Overlay that defines the expected share of each version (that of the running lab, else deploy/overlays/canary if it is there)."`
	ConsolePort int           `default:"8090" env:"HOPLINE_CONSOLE_PORT" placeholder:"PORT" help:"Where the lab, if it runs, is asked for its overlay (${default})."`
	JSON        bool          `name:"json" help:"Print the report as JSON."`
	HTML        string        `name:"html" placeholder:"FILE" help:"Write the report as one HTML file with plots as well."`
	FailIf      []string      `sep:"none" placeholder:"'p99>250ms'" help:"End with exit code 1 if this holds: p50 … p99.9, max or mean against a time, errors against a number or a percentage, rate against a number; may be given again."`
}

// Vars returns the variables that Command's tags need: pass them to kong.New.
func Vars() map[string]string { return map[string]string{"load_url": DefaultURL} }

// Validate checks the whole command line and returns all errors; kong calls it.
func (c *Command) Validate() error {
	var errs []error
	problem := func(flag string, value any, want string) {
		errs = append(errs, fmt.Errorf("%s %v: want %s", flag, value, want))
	}
	if u, err := url.Parse(c.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		problem("URL", fmt.Sprintf("%q", c.URL), "one such as "+DefaultURL)
	}
	if !(c.Rate >= 1 && c.Rate <= maxRate) { // NaN too
		problem("--rate", c.Rate, fmt.Sprintf("1 to %d requests per second", maxRate))
	}
	if c.Duration <= 0 || c.Duration > maxDuration {
		problem("--duration", c.Duration, fmt.Sprintf("more than 0 and at most %v", maxDuration))
	}
	if c.Ramp < 0 || c.Ramp > c.Duration {
		problem("--ramp", c.Ramp, "0 to the duration")
	}
	if n := c.Rate * c.Duration.Seconds(); n > maxRequests && c.Requests == 0 {
		problem("--rate and --duration", fmt.Sprintf("make %.0f requests", n), fmt.Sprintf("at most %d", maxRequests))
	}
	if c.Requests > maxRequests {
		problem("--requests", c.Requests, fmt.Sprintf("at most %d", maxRequests))
	}
	if c.Requests < 0 {
		problem("--requests", c.Requests, "a number above 0")
	}
	if c.Timeout <= 0 || c.Timeout > maxDuration {
		problem("--timeout", c.Timeout, fmt.Sprintf("more than 0 and at most %v", maxDuration))
	}
	if c.MaxInFlight < 1 || c.MaxInFlight > maxInFlight {
		problem("--max-in-flight", c.MaxInFlight, fmt.Sprintf("1 to %d", maxInFlight))
	}
	if !httpguts.ValidHeaderFieldName(c.Method) { // a method is a token, like a header name
		problem("--method", fmt.Sprintf("%q", c.Method), "one such as GET")
	}
	if len(c.Data) > maxData {
		problem("--data", fmt.Sprintf("of %d bytes", len(c.Data)), fmt.Sprintf("at most %d", maxData))
	}
	if _, err := headers(c.Header); err != nil {
		errs = append(errs, err)
	}
	for _, f := range c.FailIf {
		if _, err := parseCondition(f); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// headers parses 'NAME: VALUE' lines. The report's shares need the hops as JSON, so the default Accept header is application/json.
func headers(lines []string) (http.Header, error) {
	h := http.Header{"Accept": {"application/json"}, "User-Agent": {"hopline-load"}}
	given := http.Header{}
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, fmt.Errorf("--header %q: want 'name: value'", line)
		}
		given.Add(name, value)
	}
	for name, values := range given {
		h[name] = values
	}
	return h, nil
}

// ErrFailed is the error, wrapped, that Execute returns if a condition of --fail-if holds.
var ErrFailed = errors.New("--fail-if holds")

// Output holds the outputs of a run.
type Output struct {
	Report   io.Writer // the report, as text or JSON
	Progress io.Writer // the progress; nil for none
	TTY      bool      // whether Progress is a terminal: then a bar, otherwise a line every 10 s
	Wide     int       // columns of the terminal; 0: unknown
}

// Execute sends the load and prints the report. When ctx ends, the run ends early, with the report. The error wraps ErrFailed if a
// condition of --fail-if holds.
func (c *Command) Execute(ctx context.Context, out Output) error {
	if err := c.Validate(); err != nil {
		return err
	}
	expected, why, err := c.expectation(ctx)
	if err != nil {
		return err
	}
	r, err := c.attack(ctx, out, expected)
	if err != nil {
		return err
	}
	r.Rules = why
	if c.HTML != "" {
		if err := writeHTML(c.HTML, r); err != nil {
			return err
		}
	}
	if c.JSON {
		err = r.writeJSON(out.Report)
	} else {
		err = r.writeText(out.Report)
	}
	if err != nil {
		return err
	}
	var failed []string
	for _, f := range r.FailIf {
		if f.Holds {
			failed = append(failed, f.Text)
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("%w: %s", ErrFailed, strings.Join(failed, "; "))
	}
	return nil
}

// expectation loads the overlay from which the expected shares are computed, and returns why it is that one; nil if there is none. An
// overlay that the user has not named and that no lab runs may be missing or broken.
func (c *Command) expectation(ctx context.Context) (e *expectation, why string, err error) {
	choice, err := current.Choose(ctx, c.Overlay, c.ConsolePort)
	if err != nil {
		return nil, "", err
	}
	h, err := headers(c.Header)
	if err != nil {
		return nil, "", err
	}
	guessed := c.Overlay == "" && choice.Lab == nil
	if guessed && bundle.Carries(choice.Dir) {
		return nil, "", nil
	}
	e, err = loadExpectation(choice, c.URL, c.Method, h)
	if err != nil && guessed {
		return nil, "", nil
	}
	return e, choice.Why, err
}
