// Command front serves the web page of the suite and is its outermost service: it calls middle, which calls core, which requests the time.
package main

import (
	"os"

	"github.com/hopline/hopline/pkg/server"
	"github.com/hopline/hopline/services/front/front"
)

func main() { os.Exit(front.Run(server.FromOS())) }
