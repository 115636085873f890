// Hopline runs a kustomize overlay of Kubernetes and Istio objects on this machine, without a cluster: `hopline up`.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/hopline/hopline/lab/drive"
	"github.com/hopline/hopline/lab/internal/bundle"
	"github.com/hopline/hopline/lab/internal/tty"
	"github.com/hopline/hopline/lab/internal/usage"
	"github.com/hopline/hopline/lab/load"
)

// version is set by the linker: -X main.version=v1.2.3. Otherwise it is the version that the go command fetched, or dev.
var version = cmp.Or(bundle.Version(), "dev")

// commands lists hopline's commands.
type commands struct {
	Up      upCommand      `cmd:"" default:"withargs" help:"Run an overlay on this machine (the default)."`
	Explain explainCommand `cmd:"" help:"Explain which rule matches a request, why the earlier ones do not, and where it is sent."`
	Test    testCommand    `cmd:"" help:"Run test cases from YAML files against any rules."`
	Diff    diffCommand    `cmd:"" help:"Show which requests other rules treat differently: files, directories, git revisions."`
	Convert convertCommand `cmd:"" help:"Write VirtualServices and subsets as HTTPRoutes and Services, and show which requests would go elsewhere."`
	Lint    lintCommand    `cmd:"" help:"Find provable faults in any rules: what is never reached, what does not exist."`
	Drive   drive.Command  `cmd:"" help:"Change the running lab for a while: shares, faults, replicas, the overlay."`
	Curl    curlCommand    `cmd:"" help:"Send a request as a workload of the running lab, and show the response."`
	WhatIf  whatIfCommand  `cmd:"" name:"what-if" help:"Show which requests of the running lab other rules would treat differently."`
	Load    loadCommand    `cmd:"" help:"Send load to one address and report rates, latencies and which versions responded."`
	Status  statusCommand  `cmd:"" help:"Show the rules of the running lab with configured and observed shares, its workloads, ejections and changes."`
	Series  seriesCommand  `cmd:"" help:"Show requests, errors and latencies of each version over the last minutes, and what happened meanwhile."`
	Trace   traceCommand   `cmd:"" help:"Search the traces of the running lab, show one, or compare two."`
	Logs    logsCommand    `cmd:"" help:"Show the output of the running lab's processes: the last lines, or each new one."`
	Init    initCommand    `cmd:"" help:"Write the overlays that hopline contains into a directory, for you to edit."`
	Lesson  lessonCommand  `cmd:"" help:"List the lessons, walk through one, or check that it is right."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

func main() {
	stop, now, release := signals()
	code := run(program{stop: stop, now: now, args: os.Args[1:], out: tty.New(os.Stdout), err: tty.New(os.Stderr)})
	release()
	os.Exit(code)
}

// program holds the environment of a run of hopline.
type program struct {
	stop, now context.Context // end with the user's first and second request to stop
	args      []string
	out, err  *tty.Writer
}

// run runs hopline and returns its exit code: 0 for success, 1 for failure or a bad result, 2 if what the user has given is wrong.
func run(p program) int {
	code := -1
	parser, err := kong.New(&commands{},
		kong.Name("hopline"),
		kong.Description("The suite on a laptop: one overlay, the same rules as in the cluster."),
		kong.Writers(p.out, p.err),
		kong.Exit(func(c int) { code = c }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, NoExpandSubcommands: true}),
		kong.Vars(load.Vars()),
		kong.NamedMapper("port", kong.MapperFunc(port)),
		kong.BindTo(p.stop, (*context.Context)(nil)),
		kong.Bind(p),
		kong.BindTo(p.out, (*io.Writer)(nil)),
	)
	if err != nil {
		fmt.Fprintln(p.err, "hopline:", err)
		return 1
	}
	if err := mistyped(p.args, parser.Model.Children); err != nil {
		fmt.Fprintln(p.err, "hopline:", err)
		return 2
	}
	args := normalize(p.args)
	command, err := parser.Parse(args)
	if code >= 0 { // --help was printed
		return code
	}
	if err != nil {
		fmt.Fprintln(p.err, "hopline:", withHelp(err, args))
		return 2
	}
	return codeOf(command.Run(), p.err)
}

// exit is the error of a command with its own exit code. err is nil if the command has printed everything.
type exit struct {
	code int
	err  error
}

func (e exit) Error() string { return fmt.Sprintf("exit code %d: %v", e.code, e.err) }

// codeOf prints a command's error, if any, and returns its exit code.
func codeOf(err error, out io.Writer) int {
	code := 0
	switch {
	case usage.Is(err):
		code = 2
	case err != nil:
		code = 1
	}
	var own exit
	if errors.As(err, &own) {
		code, err = own.code, own.err
	}
	if err != nil {
		fmt.Fprintln(out, "hopline:", textOf(err))
	}
	return code
}

// textOf returns the text of an error. The error of a file has its path first, as all messages have the object first, and no system call.
func textOf(err error) string {
	text := err.Error()
	var of *fs.PathError
	if errors.As(err, &of) {
		text = strings.Replace(text, of.Error(), of.Path+": "+of.Err.Error(), 1)
	}
	return text
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(p program) error {
	_, err := fmt.Fprintln(p.out, "hopline", version)
	return err
}
