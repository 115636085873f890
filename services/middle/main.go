// Command middle is the hop in the middle: it relays requests to core and adds its line.
package main

import (
	"os"

	"github.com/hopline/hopline/pkg/server"
	"github.com/hopline/hopline/services/middle/middle"
)

func main() { os.Exit(middle.Run(server.FromOS())) }
