// Command bounced echoes requests, and calls other endpoints on request.
package main

import (
	"os"
	"time"

	"github.com/hopline/hopline/pkg/config"
	"github.com/hopline/hopline/pkg/relay"
	"github.com/hopline/hopline/pkg/server"
)

func main() { os.Exit(run(server.FromOS())) }

// run is the whole program; tests call it with their own process.
func run(p server.Process) int { return runWith(p, bounceTimeout) }

// runWith is the program with a timeout for bounced calls that a test can shorten.
func runWith(p server.Process, timeout time.Duration) int {
	var cfg Config
	svc, err := server.Open(p, program, &cfg)
	if err != nil {
		return config.ExitCode(err)
	}
	client := svc.Client.With(relay.Options{Guard: cfg.BounceAllow.guard(), CheckRedirect: cfg.BounceAllow.redirect})
	defer client.Close()
	echo := echo{svc.Identity()}
	bouncer := bouncer{client: client, allowed: cfg.BounceAllow, identity: svc.Identity(), timeout: timeout}

	svc.Get("/*", echo.get)
	svc.Post("/bounce", sameOrigin(bouncer.post))
	svc.Get("/health", health)
	svc.Get("/crash", sameOrigin(crash(svc, cfg.AllowCrash)))
	return svc.Run()
}

var program = config.Program{Name: "bounced", Short: "The echo and the bouncer: responds with the request, and calls an endpoint on request."}

// Config holds the settings of bounced.
type Config struct {
	BounceAllow allowList `default:"*,*.svc,*.svc.cluster.local,*.external.kind.org" help:"Hosts that /bounce may call: * is any name without a dot, *.name any below name; a port may follow."`
	AllowCrash  bool      `default:"false" help:"Let GET /crash end the process with code 137." want:"true or false"`
	server.Config
}

// bounceTimeout is the timeout of a bounced call.
const bounceTimeout = 5 * time.Second
