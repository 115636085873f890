// Package front serves the web page of the suite and is its outermost service: it calls middle, which calls core, which requests the time.
package front

import (
	"github.com/hopline/hopline/pkg/config"
	"github.com/hopline/hopline/pkg/server"
)

// Run is the whole program; tests call it with their own process.
func Run(p server.Process) int {
	var cfg Config
	svc, err := server.Open(p, program, &cfg)
	if err != nil {
		return config.ExitCode(err)
	}
	page := newPage(svc.Identity(), cfg.TraceUIURL)
	middle := svc.Client.Upstream(cfg.UpstreamURL)

	svc.Get("/", forBrowsers(page.index, middle.Hops))
	svc.Get("/hops", middle.Hops)
	svc.Get("/slow-page", page.framed("Slow page", slowPage(svc, middle)))
	svc.Get("/fast-page", page.framed("Fast page", fastPage(svc, middle)))
	svc.Get("/hello", server.Hello)
	return svc.Run()
}

var program = config.Program{Name: "front", Short: "The web page, and the outermost hop: relays to middle."}
