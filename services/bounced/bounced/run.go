// Package bounced echoes requests, and calls other endpoints on request. It can also stand in for another program.
package bounced

import (
	"fmt"
	"time"

	"github.com/hopline/hopline/pkg/config"
	"github.com/hopline/hopline/pkg/relay"
	"github.com/hopline/hopline/pkg/server"
)

// Run is the whole program; tests call it with their own process.
func Run(p server.Process) int { return runWith(p, bounceTimeout) }

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

	svc.Post("/bounce", sameOrigin(bouncer.post))
	if cfg.StandIn {
		svc.Handle("/*", standIn{client: svc.Client, identity: svc.Identity(), upstreams: cfg.Upstreams, timeout: timeout})
		return svc.Run()
	}
	svc.Get("/*", echo.get)
	svc.Get("/health", health)
	svc.Get("/crash", sameOrigin(crash(svc, cfg.AllowCrash)))
	return svc.Run()
}

var program = config.Program{Name: "bounced", Short: "The echo and the bouncer: responds with the request, and calls an endpoint on request."}

// Config holds the settings of bounced.
type Config struct {
	BounceAllow allowList `default:"*,*.svc,*.svc.cluster.local,*.external.kind.org" help:"Hosts that /bounce may call: * is any name without a dot, *.name any below name; a port may follow."`
	AllowCrash  bool      `default:"false" help:"Let GET /crash end the process with code 137." want:"true or false"`

	StandIn   bool         `default:"false" help:"Stand in for another program: respond to every method and path with the identity of this process, except to POST /bounce." want:"true or false"`
	Upstreams []config.URL `placeholder:"URLS" help:"With STAND_IN: what to call with every request before the response, separated by commas." want:"URLs such as http://reviews:9080/reviews/0, separated by commas"`

	server.Config
}

// maxUpstreams limits what one request to a stand-in causes.
const maxUpstreams = 20

// Validate implements config.Checked.
func (c *Config) Validate(r *config.Report) {
	switch n := len(c.Upstreams); {
	case n > 0 && !c.StandIn:
		r.Add("UPSTREAMS", fmt.Sprintf("%d URLs without STAND_IN", n), "STAND_IN=true as well: only a stand-in calls upstreams")
	case n > maxUpstreams:
		r.Add("UPSTREAMS", fmt.Sprintf("%d URLs", n), fmt.Sprintf("%d at most", maxUpstreams))
	}
	c.Config.Validate(r)
}

// bounceTimeout is the timeout of a bounced call, and of a stand-in's call to an upstream.
const bounceTimeout = 5 * time.Second
