package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/hopline/hopline/lab/internal/bundle"
	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/tty"
	"github.com/hopline/hopline/lab/rules"
)

// DefaultURL is the suite's URL whose response lists which version of each service responded.
const DefaultURL = "http://localhost:8080/demo-app/hops"

// Bounds are the limits of a run.
type Bounds struct {
	Rate     float64 // requests per second, at most
	Duration time.Duration
	Requests int
	InFlight int
	Data     int // bytes of a request's body
}

// commandBounds holds the bounds of the command.
var commandBounds = Bounds{Rate: 100_000, Duration: 24 * time.Hour, Requests: 50_000_000, InFlight: 50_000, Data: 1 << 20}

// Problem is a wrong value of a setting. Error formats it for the command line.
type Problem struct {
	Setting string // the flag without its dashes: "rate"
	Value   any
	Want    string
}

// Error returns "--rate 0: want 1 to 100000 requests per second".
func (p Problem) Error() string {
	if p.Setting != "URL" {
		return fmt.Sprintf("--%s %v: want %s", p.Setting, p.Value, p.Want)
	}
	return fmt.Sprintf("%s %v: want %s", p.Setting, p.Value, p.Want)
}

// Command is the command line of `hopline load`, for kong. Execute runs it.
type Command struct {
	URL string `arg:"" optional:"" default:"${load_url}" help:"The one target (${default}). Redirects to other hosts are not followed."`

	Rate        float64       `default:"50" help:"Requests per second (${default})."`
	Duration    time.Duration `default:"1m" help:"How long (${default})."`
	Ramp        time.Duration `placeholder:"TIME" help:"Raise the rate from 0 evenly, in this time."`
	Requests    int           `placeholder:"N" help:"End after so many requests, if the time has not ended before."`
	Header      []string      `short:"H" sep:"none" placeholder:"'NAME: VALUE'" help:"Header of every request; may be given again."`
	Method      string        `short:"X" default:"GET" help:"Method of every request (${default})."`
	Data        string        `short:"d" placeholder:"BODY" help:"Body of every request."`
	KeepAlive   bool          `help:"Keep connections open; otherwise every request is a new user with a new connection."`
	Timeout     time.Duration `default:"30s" help:"How long a response may take, its body included (${default})."`
	MaxInFlight int           `default:"1000" help:"How many requests may be in flight; further ones are late, and the report states it (${default})."`
	Overlay     string        `placeholder:"DIR" help:"Overlay that defines the expected share of each version (that of the running lab, else deploy/overlays/canary if it is there)."`
	current.Console
	JSON   bool     `name:"json" help:"Print the report as JSON."`
	HTML   string   `name:"html" placeholder:"FILE" help:"Write the report as one HTML file with plots as well."`
	FailIf []string `sep:"none" placeholder:"'p99>250ms'" help:"End with exit code 1 if this holds: p50 … p99.9, max or mean against a time, errors against a number or a percentage, rate against a number; may be given again."`
}

// Vars returns the variables that Command's tags need: pass them to kong.New.
func Vars() map[string]string { return map[string]string{"load_url": DefaultURL} }

// Validate checks the whole command line and returns all errors; kong calls it.
func (c *Command) Validate() error {
	var errs []error
	for _, p := range c.Check(commandBounds) {
		errs = append(errs, p)
	}
	for _, f := range c.FailIf {
		if _, err := parseCondition(f); err != nil {
			errs = append(errs, err)
		}
	}
	if info, err := os.Stat(filepath.Dir(c.HTML)); c.HTML != "" && (err != nil || !info.IsDir()) { // not only after the run
		errs = append(errs, Problem{"html", c.HTML, "a file in a directory that exists"})
	}
	return errors.Join(errs...)
}

// Check returns what is wrong with the settings of a run within the bounds.
func (c *Command) Check(b Bounds) (problems []Problem) {
	wrong := func(is bool, setting string, value any, want string, args ...any) {
		if is {
			problems = append(problems, Problem{setting, value, fmt.Sprintf(want, args...)})
		}
	}
	u, err := url.Parse(c.URL)
	wrong(err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil, "URL", fmt.Sprintf("%q", c.URL), "one such as %s", DefaultURL)
	wrong(!(c.Rate >= 1 && c.Rate <= b.Rate), "rate", c.Rate, "1 to %.0f requests per second", b.Rate) // NaN too
	wrong(c.Duration <= 0 || c.Duration > b.Duration, "duration", c.Duration, "more than 0 and at most %v", b.Duration)
	wrong(c.Ramp < 0 || c.Ramp > c.Duration, "ramp", c.Ramp, "0 to the duration")
	n := c.Rate * c.Duration.Seconds()
	wrong(n > float64(b.Requests) && c.Requests == 0, "rate and --duration", fmt.Sprintf("make %.0f requests", n), "at most %d", b.Requests)
	wrong(c.Requests > b.Requests, "requests", c.Requests, "at most %d", b.Requests)
	wrong(c.Requests < 0, "requests", c.Requests, "a number above 0")
	wrong(c.Timeout <= 0 || c.Timeout > b.Duration, "timeout", c.Timeout, "more than 0 and at most %v", b.Duration)
	wrong(c.MaxInFlight < 1 || c.MaxInFlight > b.InFlight, "max-in-flight", c.MaxInFlight, "1 to %d", b.InFlight)
	wrong(!httpguts.ValidHeaderFieldName(c.Method), "method", fmt.Sprintf("%q", c.Method), "one such as GET") // a method is a token, like a header name
	wrong(len(c.Data) > b.Data, "data", fmt.Sprintf("of %d bytes", len(c.Data)), "at most %d", b.Data)
	if _, err := headers(c.Header); err != nil {
		problems = append(problems, *err)
	}
	return problems
}

// headers parses 'NAME: VALUE' lines. The report's shares need the hops as JSON, so the default Accept header is application/json.
func headers(lines []string) (http.Header, *Problem) {
	h := http.Header{"Accept": {"application/json"}, "User-Agent": {"hopline-load"}}
	given := http.Header{}
	for _, line := range lines {
		one, err := rules.ParseHeader(line)
		if err != nil {
			return nil, &Problem{"header", fmt.Sprintf("%q", line), "'name: value'"}
		}
		given.Add(one.Name, one.Value)
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
	Report   io.Writer  // the report, as text or JSON
	Progress tty.Screen // the progress: a bar on a terminal, otherwise a line every 10 s; without Out none
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
	if err := expected.findHost(ctx, c.URL); err != nil {
		return err
	}
	r, err := c.attack(ctx, out, expected)
	if err != nil {
		return err
	}
	r.Rules = why
	if c.HTML != "" {
		r.linkTo(ctx, c.ConsolePort)
		if err := writeHTML(c.HTML, r); err != nil {
			return err
		}
	}
	if c.JSON {
		err = tty.WriteJSON(out.Report, r)
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
	guessed := c.Overlay == "" && choice.Lab == nil
	if guessed && bundle.Carries(choice.Dir) {
		return nil, "", nil
	}
	e, err = c.loadExpectation(choice)
	if err != nil && guessed {
		return nil, "", nil
	}
	return e, choice.Why, err
}

// Line returns the command line of a run.
func (c *Command) Line() string {
	words := []string{"hopline load", tty.ShellWord(c.URL), "--rate " + number(c.Rate), "--duration " + c.Duration.String()}
	if c.Ramp > 0 {
		words = append(words, "--ramp "+c.Ramp.String())
	}
	for _, h := range c.Header {
		words = append(words, "-H "+tty.ShellWord(h))
	}
	if c.Method != http.MethodGet {
		words = append(words, "-X "+tty.ShellWord(c.Method))
	}
	if c.Data != "" {
		words = append(words, "-d "+tty.ShellWord(c.Data))
	}
	if c.KeepAlive {
		words = append(words, "--keep-alive")
	}
	return strings.Join(words, " ")
}
