// Package config fills a struct from flags and environment variables, and checks it.
//
// Each setting is a field with a kong tag. The flag's name gives the variable's name: --upstream-url is UPSTREAM_URL. A flag takes
// precedence over the variable, the variable over the default. The package reads nothing from the process itself: the caller passes
// arguments and environment, so a test configures a program as a shell does.
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

// ExitError ends a program with a code before it has started. Its messages have already been written.
type ExitError struct{ Code int }

// Error implements error.
func (e ExitError) Error() string { return fmt.Sprintf("exit code %d", e.Code) }

// ExitCode returns the exit code of a program for an error: the code of an ExitError, else 1.
func ExitCode(err error) int {
	var exit ExitError
	if errors.As(err, &exit) {
		return exit.Code
	}
	return 1
}

// Checked is a configuration that checks the ranges of its values.
type Checked interface {
	// Validate adds a problem for each value that cannot be used. The report already holds the values that could not be decoded.
	Validate(*Report)
}

// Source holds the arguments and environment that settings are read from, and the writers for help and problems.
type Source struct {
	Args   []string          // without the program's name
	Env    []string          // "NAME=value", as in os.Environ
	Stdout io.Writer         // help
	Stderr io.Writer         // problems
	Vars   map[string]string // replaced in tags: default:"${service}"
}

// Program holds the head of the help text.
type Program struct {
	Name  string // the program, and the default of SERVICE_NAME
	Short string // what it does, in a sentence
}

// Load fills cfg, a pointer to a struct, and returns the variables of src.Env that look like misspelt ones of cfg. The error is an
// ExitError if the program must end: with code 0 after --help, with ExitUsage after one line per problem on src.Stderr.
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
	if err != nil { // a tag that kong cannot parse: a bug that the first test finds
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

// helpWidth makes the help the same on every terminal, so that a test can compare it.
const helpWidth = 80

var errHelped = errors.New("help was printed")

// parse runs kong over args. If args hold something that is not a flag, it runs kong once more without them, so that one wrong flag does
// not hide wrong variables.
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

// Variable returns the name of a flag's environment variable.
func Variable(flag string) string {
	return strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func nameVariable(v *kong.Value) string {
	if v.Name == "help" {
		return v.Help
	}
	variable := " ($" + Variable(v.Name)
	if v.IsBool() {
		variable += ", default " + v.Default // kong shows the default of all other flags
	}
	return v.Help + variable + ")"
}

// environment resolves a flag that was not given from its variable. An empty variable counts as unset, as in OpenTelemetry's specification.
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

// Lookup finds name in an environment. The last of several entries wins, as in os/exec.
func Lookup(env []string, name string) (string, bool) {
	for i := len(env) - 1; i >= 0; i-- {
		if key, value, ok := strings.Cut(env[i], "="); ok && key == name {
			return value, true
		}
	}
	return "", false
}

// recorder records a value that cannot be decoded and continues; kong would stop at the first.
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
