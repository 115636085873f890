// Command clock returns the current time, local and in every zone of the tz database. It is the innermost hop, and replaces
// worldtimeapi.org.
package main

import (
	"os"

	"github.com/hopline/hopline/pkg/server"
	"github.com/hopline/hopline/services/clock/clock"
)

func main() { os.Exit(clock.Run(server.FromOS())) }
