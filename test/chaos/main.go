//go:build linux

// Command chaos runs the suite as `make run` does, calls it at a constant rate, injects one failure after the other, and counts what
// callers notice. Each fault has a claim; a table shows which hold. It needs Linux: it reads /proc and writes to /dev/full.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options holds the command line's options.
type options struct {
	root string        // the checkout
	time time.Duration // of each fault
	rate int           // requests per second
	seed uint64
	only *regexp.Regexp // faults to run, by name
}

// starvedCode is the exit code of a run in which no claim is broken and part is void.
const starvedCode = 77

// run returns the exit code: 0 if all claims hold, 1 if one does not or could not be tested, 2 for invalid flags, 77 if the machine was too
// busy to decide.
func run(ctx context.Context, args []string, out, progress io.Writer) int {
	o, err := parse(args, progress)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(progress, "chaos:", err)
		return 2
	}
	fmt.Fprintf(progress, "%d requests per second, %v a fault, --seed %d\n", o.rate, o.time, o.seed)
	rows, err := campaign(ctx, o, progress)
	report(out, rows)
	if err != nil {
		fmt.Fprintln(progress, "chaos:", err)
		return 1
	}
	code := 0
	for _, r := range rows {
		switch r.verdict() {
		case "BROKEN":
			return 1
		case "VOID":
			code = starvedCode
		}
	}
	if code == starvedCode {
		fmt.Fprintln(progress, "chaos: the machine was too busy for a part of the run, which is void; use two cores that do nothing else and try again")
	}
	return code
}

func parse(args []string, usage io.Writer) (options, error) {
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.SetOutput(usage)
	root := flags.String("root", "../..", "the checkout, with bin/ built")
	length := flags.Duration("time", 15*time.Second, "how long each fault lasts, from 2s to 10m")
	rate := flags.Int("rate", 200, "requests per second, from 1 to 5000")
	seed := flags.Uint64("seed", rand.Uint64N(1_000_000), "of the order of the victims")
	only := flags.String("only", "", "run the faults whose name this regular expression finds")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if flags.NArg() > 0 {
		return options{}, fmt.Errorf("argument %q: want only flags", flags.Arg(0))
	}
	if *length < 2*time.Second || *length > 10*time.Minute {
		return options{}, fmt.Errorf("--time %v: want 2s to 10m", *length)
	}
	if *rate < 1 || *rate > 5000 {
		return options{}, fmt.Errorf("--rate %d: want 1 to 5000", *rate)
	}
	pattern, err := regexp.Compile(*only)
	if err != nil {
		return options{}, fmt.Errorf("--only %q: %w", *only, err)
	}
	absolute, err := filepath.Abs(*root)
	if err != nil {
		return options{}, err
	}
	if _, err := os.Stat(filepath.Join(absolute, "bin", "hopline")); err != nil {
		return options{}, fmt.Errorf("--root %s: %w; make build makes it", *root, err)
	}
	return options{root: absolute, time: *length, rate: *rate, seed: *seed, only: pattern}, nil
}
