// Package config fills a struct from flags and environment and checks it.
//
// Each setting is a field with a kong tag. The flag's name makes the variable's: --upstream-url is UPSTREAM_URL.
// A flag goes before the variable, the variable before the default. Nothing is read from the process itself: arguments
// and environment are handed in, so that a test configures a program as a shell would.
package config

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
)

// ExitUsage is the exit code of a program whose configuration cannot be used.
const ExitUsage = 2

// ExitError says that a program ends with a code before it has begun. What there is to say has been written already.
type ExitError struct{ Code int }

// Error implements error.
func (e ExitError) Error() string { return fmt.Sprintf("exit code %d", e.Code) }

// ExitCode is the code that a program ends with for an error: that of an ExitError, else 1.
func ExitCode(err error) int {
	var exit ExitError
	if errors.As(err, &exit) {
		return exit.Code
	}
	return 1
}

// Checked is a configuration that knows the ranges of its values.
type Checked interface {
	// Validate adds a problem for each value that cannot be used. Values that could not even be decoded are in the
	// report already.
	Validate(*Report)
}

// Source is where settings come from and where help and complaints go.
type Source struct {
	Args   []string          // without the program's name
	Env    []string          // "NAME=value", as of os.Environ
	Stdout io.Writer         // help
	Stderr io.Writer         // problems
	Vars   map[string]string // replaced in tags: default:"${service}"
}

// Program is the head of the help text.
type Program struct {
	Name  string // the program, and the default of SERVICE_NAME
	Short string // what it does, in a sentence
}

// Load fills cfg, a pointer to a struct, and names the variables of src.Env that look like misspelt ones of cfg. When the program is to
// end the error is an ExitError: with code 0 after --help, with ExitUsage after one line per problem on src.Stderr.
func Load(src Source, program Program, cfg Checked) ([]Misspelling, error) {
	report := &Report{}
	helped := false
	parser, err := kong.New(cfg,
		kong.Name(program.Name), kong.Description(program.Short), kong.Vars(src.Vars),
		kong.Writers(src.Stdout, src.Stderr),
		kong.Exit(func(int) { helped = true; panic(errHelped) }),
		kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: helpWidth}), kong.ValueFormatter(nameVariable),
		kong.Resolvers(environment(src.Env)),
	)
	if err != nil { // a tag that kong does not understand: the programmer's mistake, found by the first test
		panic(fmt.Sprintf("config: %v", err))
	}
	var known []string
	for _, flag := range parser.Model.Flags {
		flag.Mapper = recorder{flag.Mapper, report}
		known = append(known, Variable(flag.Name))
	}
	if parse(parser, src.Args, report); helped {
		return nil, ExitError{0}
	}
	cfg.Validate(report)
	if !report.OK() {
		report.Print(src.Stderr)
		return nil, ExitError{ExitUsage}
	}
	return misspelt(src.Env, known), nil
}

// helpWidth keeps the help the same on every terminal, so that a test can hold it.
const helpWidth = 80

var errHelped = errors.New("help was printed")

// parse runs kong over args, and over the environment alone when args hold something that is no flag, so that
// one wrong flag does not hide wrong variables.
func parse(parser *kong.Kong, args []string, report *Report) {
	defer func() {
		if r := recover(); r != nil && r != errHelped { //nolint:errorlint // the value panicked with above
			panic(r)
		}
	}()
	if _, err := parser.Parse(args); err != nil {
		report.Add("flags", strings.Join(args, " "), "those of --help: "+err.Error())
		_, _ = parser.Parse(nil) // its problems are in the report
	}
}

// Variable is the environment variable of a flag.
func Variable(flag string) string {
	return strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func nameVariable(v *kong.Value) string {
	if v.Name == "help" {
		return v.Help
	}
	variable := " ($" + Variable(v.Name)
	if v.IsBool() {
		variable += ", default " + v.Default // kong shows the default of all others
	}
	return v.Help + variable + ")"
}

// environment resolves a flag that was not given from its variable. OpenTelemetry's standard takes an empty variable for an
// unset one.
func environment(env []string) kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		variable := Variable(flag.Name)
		value, ok := Lookup(env, variable)
		if !ok || value == "" && strings.HasPrefix(variable, "OTEL_") {
			return nil, nil
		}
		return value, nil
	})
}

// Lookup finds name in an environment; the last of several entries holds, as in os/exec.
func Lookup(env []string, name string) (string, bool) {
	for i := len(env) - 1; i >= 0; i-- {
		if key, value, ok := strings.Cut(env[i], "="); ok && key == name {
			return value, true
		}
	}
	return "", false
}

// recorder notes a value that cannot be decoded and goes on, where kong would stop at the first.
type recorder struct {
	kong.Mapper
	report *Report
}

// Decode implements kong.Mapper.
func (r recorder) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	given := ctx.Scan.Peek()
	err := r.Mapper.Decode(ctx, target)
	if err == nil {
		return nil
	}
	want := ctx.Value.Tag.Get("want")
	if want == "" {
		want = err.Error()
	}
	value := ""
	if !given.IsEOL() {
		value = fmt.Sprint(given.Value)
	}
	r.report.Add(Variable(ctx.Value.Name), value, want)
	return nil
}
