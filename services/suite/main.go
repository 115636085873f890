// Command suite is the five services in one program. The name under which it is started selects the service: bin/core is a link to this
// program, and runs core.
//
// The lab runs its pods with it. The system keeps the pages of a program file in memory once, however many processes run it, so fourteen
// processes of one file need less memory than those of five files. An image has the program of one service.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hopline/hopline/pkg/server"
	"github.com/hopline/hopline/services/bounced/bounced"
	"github.com/hopline/hopline/services/clock/clock"
	"github.com/hopline/hopline/services/core/core"
	"github.com/hopline/hopline/services/front/front"
	"github.com/hopline/hopline/services/middle/middle"
)

func main() { os.Exit(run(os.Args[0], server.FromOS())) }

// run runs the service that the program's name selects.
func run(name string, p server.Process) int {
	switch name = strings.TrimSuffix(filepath.Base(name), ".exe"); name {
	case "front":
		return front.Run(p)
	case "middle":
		return middle.Run(p)
	case "core":
		return core.Run(p)
	case "clock":
		return clock.Run(p)
	case "bounced":
		return bounced.Run(p)
	}
	fmt.Fprintf(p.Stderr, "suite: want a link to this program with the name front, middle, core, clock or bounced, got %q\n", name)
	return 2
}
