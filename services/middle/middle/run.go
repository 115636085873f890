// Package middle is the hop in the middle: it relays requests to core and adds its line.
package middle

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
	upstream := svc.Client.Upstream(cfg.UpstreamURL)
	svc.Get("/hello", server.Hello)
	svc.Get("/hops", upstream.Hops)
	svc.Get("/slow-endpoint", upstream.Pass)
	svc.Get("/fast-endpoint", upstream.Pass)
	return svc.Run()
}

var program = config.Program{Name: "middle", Short: "The hop in the middle: relays /hops, /slow-endpoint and /fast-endpoint."}

// Config holds the settings of middle.
type Config struct {
	UpstreamURL config.URL `default:"http://core" help:"The service to relay to."`
	server.Config
}
