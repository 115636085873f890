package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/hopline/hopline/lab/internal/bundle"
	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/tty"
	"github.com/hopline/hopline/lab/internal/usage"
	"github.com/hopline/hopline/lab/internal/workload"
	"github.com/hopline/hopline/lab/up"
)

type upCommand struct {
	Overlay []string `arg:"" optional:"" help:"Overlay directory, name of an overlay, or directory that holds base, components and overlays (canary of the checkout, or else of those that hopline contains). With --stand-in: files, directories and - for standard input."`

	StandIn      bool     `help:"Run any manifests: a program that names itself in its responses replaces every image that is not of the suite. Objects and fields that do not affect the lab are left out and counted."`
	Program      []string `sep:"none" placeholder:"IMAGE=COMMAND" help:"Run this program in place of an image; may be given again. IMAGE is as in the manifests, or without digest, tag and leading path elements; COMMAND is split into words as in a shell."`
	Listen       string   `default:"127.0.0.1" placeholder:"ADDRESS" help:"Address that the ports below are opened on (${default}: nobody else reaches them)."`
	AllowHost    []string `placeholder:"NAME" help:"Host name, besides localhost, by which the console and the collector accept requests; may be given again."`
	AllowDriving bool     `help:"With --listen: let other machines change the lab too, from its console. They then have this user's permissions."`
	IngressPort  int      `type:"port" default:"8080" env:"HOPLINE_INGRESS_PORT" placeholder:"PORT" help:"Port of the ingress gateway (${default})."`
	ConsolePort  int      `type:"port" default:"8090" env:"HOPLINE_CONSOLE_PORT" placeholder:"PORT" help:"Port of the console, /sd and /metrics (${default})."`
	ZipkinPort   int      `type:"port" default:"9411" env:"HOPLINE_ZIPKIN_PORT" placeholder:"PORT" help:"Port of Zipkin's API (${default})."`
	OTLPPort     int      `name:"otlp-port" type:"port" default:"4318" env:"HOPLINE_OTLP_PORT" placeholder:"PORT" help:"Port of OTLP over HTTP (${default})."`
	Zipkin       string   `placeholder:"URL" help:"Send every span to this Zipkin or Jaeger as well."`
	Logs         logsFlag `help:"Show the output of the processes, or of some: --logs=middle,clock."`
	LogFormat    string   `default:"text" placeholder:"FORMAT" enum:"text,json" help:"How --logs shows it: text, or json as it is written (${default})."`
	Bin          string   `placeholder:"DIR" type:"path" help:"Directory of the services' programs (bin of the checkout, or where hopline is, or those that hopline contains)."`
	Build        up.Build `default:"auto" placeholder:"WHEN" enum:"auto,always,never" help:"Build the programs first: auto (those that are missing or older than their source), always or never (${default})."`
}

// Run runs the overlay until the user stops it.
func (c *upCommand) Run(p program) error {
	overlay, anybody, err := c.inputs()
	if err != nil {
		return err
	}
	programs, err := c.programs()
	if err != nil {
		return err
	}
	return up.Run(p.stop, p.now, up.Options{
		Overlay: overlay, Programs: programs, Anybody: anybody, Host: c.Listen, AllowHosts: c.AllowHost, AllowDriving: c.AllowDriving,
		IngressPort: c.IngressPort, ConsolePort: c.ConsolePort, ZipkinPort: c.ZipkinPort, OTLPPort: c.OTLPPort,
		Forward: c.Zipkin, Logs: up.Logs{On: c.Logs.on, Of: c.Logs.of, JSON: c.LogFormat == "json"}, Bin: c.Bin, Build: c.Build,
		Screen: tty.ScreenOf(p.out),
	})
}

// programs parses the programs that --program gives.
func (c *upCommand) programs() (list []workload.Given, err error) {
	for _, text := range c.Program {
		given, err := workload.ParseGiven(text)
		if err != nil {
			return nil, usage.Errorf("--program: %w", err)
		}
		if slices.ContainsFunc(list, func(other workload.Given) bool { return other.Image == given.Image }) {
			return nil, usage.Errorf("--program: %s: want one command, got two", given.Image)
		}
		list = append(list, given)
	}
	return list, nil
}

// inputs returns the overlay's directory, or with --stand-in the files to read.
func (c *upCommand) inputs() (overlay string, anybody *up.Anybody, err error) {
	if !c.StandIn {
		if len(c.Overlay) > 1 {
			return "", nil, usage.Errorf("want one overlay, got %d; --stand-in accepts several files", len(c.Overlay))
		}
		name := strings.Join(c.Overlay, "")
		if overlay, err = bundle.Find(name); usage.Is(err) {
			err = usage.Error(current.CannotRun(name, err))
		}
		return overlay, nil, err
	}
	anybody = &up.Anybody{Stdin: os.Stdin}
	for _, name := range c.Overlay {
		if _, missing := os.Stat(name); missing != nil && name != "-" {
			if name, err = bundle.Find(name); err != nil {
				return "", nil, err
			}
		}
		anybody.Inputs = append(anybody.Inputs, name)
	}
	if len(anybody.Inputs) == 0 {
		return "", nil, usage.Errorf("--stand-in: want files, directories or - for standard input, got none")
	}
	overlay = anybody.Inputs[0]
	if more := len(anybody.Inputs) - 1; more > 0 {
		overlay += fmt.Sprintf(" and %d more", more)
	}
	return overlay, anybody, nil
}

// logsFlag is --logs, or --logs=WORKLOAD,… for some.
type logsFlag struct {
	on bool
	of []string
}

// IsBool allows the flag without a value.
func (*logsFlag) IsBool() bool { return true }

// Decode parses the flag.
func (l *logsFlag) Decode(ctx *kong.DecodeContext) error {
	l.on = true
	if ctx.Scan.Peek().Type != kong.FlagValueToken {
		return nil
	}
	for _, name := range strings.Split(ctx.Scan.Pop().String(), ",") {
		if name = strings.TrimSpace(name); name == "" {
			return errors.New("want the names of workloads or apps, as in --logs=middle,clock")
		}
		l.of = append(l.of, name)
	}
	return nil
}
