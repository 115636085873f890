// Command core is the last hop before the time: it calls a time source, and has a slow and a fast endpoint.
package main

import (
	"os"

	"github.com/hopline/hopline/pkg/server"
	"github.com/hopline/hopline/services/core/core"
)

func main() { os.Exit(core.Run(server.FromOS())) }
