// Package core is the last hop before the time: it calls a time source, and has a slow and a fast endpoint.
package core

import (
	"time"

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
	source := timeSource{svc.Client.Upstream(cfg.TimeURL)}
	slow := slowEndpoint{svc, cfg.SlowDuration}

	svc.Get("/hello", server.Hello)
	svc.Get("/hops", source.hops)
	svc.Get("/slow-endpoint", slow.get)
	svc.Get("/fast-endpoint", fast)
	return svc.Run()
}

var program = config.Program{Name: "core", Short: "The last hop before the time: calls a time source, and has a slow and a fast endpoint."}

// Config holds the settings of core.
type Config struct {
	TimeURL      config.URL    `default:"http://clock/time" help:"The time source: a clock of the suite, or an API with the responses of worldtimeapi.org."`
	SlowDuration time.Duration `default:"3s" help:"How long the slow endpoint takes." want:"a duration such as 3s"`
	server.Config
}

// Validate implements config.Checked.
func (c *Config) Validate(r *config.Report) {
	c.Config.Validate(r)
	if (c.SlowDuration < 0 || c.SlowDuration > 10*time.Minute) && !r.Has("SLOW_DURATION") {
		r.Add("SLOW_DURATION", c.SlowDuration.String(), "a duration from 0s to 10m")
	}
}
