// Command bounced echoes requests, and calls other endpoints on request. It can also stand in for another program.
package main

import (
	"os"

	"github.com/hopline/hopline/pkg/server"
	"github.com/hopline/hopline/services/bounced/bounced"
)

func main() { os.Exit(bounced.Run(server.FromOS())) }
