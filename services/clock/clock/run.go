// Package clock returns the current time, local and in every zone of the tz database. It is the innermost hop, and replaces
// worldtimeapi.org.
package clock

import (
	"time"

	"github.com/hopline/hopline/pkg/config"
	"github.com/hopline/hopline/pkg/server"
)

// Run is the whole program; tests call it with their own process.
func Run(p server.Process) int {
	var cfg server.Config
	svc, err := server.Open(p, program, &cfg)
	if err != nil {
		return config.ExitCode(err)
	}
	clock := newClock(svc.Identity(), time.Now)
	zones := newZones(time.Now)

	svc.Get("/time", clock.time)
	svc.Get("/hops", clock.hops)
	svc.Get("/hello", server.Hello)
	svc.Get("/api/timezone", zones.list)
	svc.Get("/api/timezone/*", zones.time) // Area/Location names have slashes
	return svc.Run()
}

var program = config.Program{Name: "clock", Short: "The innermost hop: tells the time, here and in any time zone."}
