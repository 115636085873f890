// Command release prepares the source of a release. In a clone of this checkout it removes the replace directives from every installed
// module, makes the modules require each other at the version of the release, commits that, and tags the commit for each module.
//
//	cd test/release && GOWORK=off go run . -version v1.2.3 -clone DIR
//
// `go install PATH@VERSION` cannot install a module whose go.mod has a replace directive. The checkout keeps the directives, so that every
// module builds on its own before a release. Nothing is pushed: the command for that is printed.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	version := flags.String("version", "", "version of the release, such as v1.2.3")
	clone := flags.String("clone", "", "directory for the clone; it must not exist yet")
	if err := flags.Parse(args); err != nil {
		return err
	}
	r, err := prepare(ctx, "../..", *clone, *version)
	if err != nil {
		return err
	}
	if err := r.tag(ctx); err != nil {
		return err
	}
	fmt.Printf("tagged in %s; to release it: git -C %s push --tags\n", r.dir, r.dir)
	return nil
}
