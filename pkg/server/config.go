package server

import (
	"net"
	"time"

	"github.com/hopline/hopline/pkg/config"
	"github.com/hopline/hopline/pkg/fault"
	"github.com/hopline/hopline/pkg/telemetry"
)

// Config holds the settings that every service has. A service embeds it in its own.
type Config struct {
	Port            int           `default:"8080" help:"Port of the application; 0 for any free one." want:"a port number from 0 to 65535"`
	ListenHost      string        `help:"Address to listen on; all interfaces when empty."`
	AdminPort       int           `default:"8081" help:"Port of metrics, probes and switches; 0 for any free one." want:"a port number from 0 to 65535"`
	AdminHosts      []string      `placeholder:"NAMES" help:"Further host names that requests to ADMIN_PORT may use, separated by commas; addresses, localhost and names of one label are always allowed."`
	IdleTimeout     time.Duration `default:"2m" help:"How long an idle keep-alive connection stays open." want:"a duration such as 2m"`
	DrainDelay      time.Duration `default:"0s" help:"How long to continue to serve after SIGTERM, while not ready." want:"a duration such as 5s"`
	ShutdownTimeout time.Duration `default:"15s" help:"How long requests in flight may finish before they are cancelled." want:"a duration such as 15s"`

	Healthy bool `default:"false" help:"Do not serve, but check whether the service on ADMIN_PORT of this host is ready: exit code 0, or 1 with the reason." want:"true or false"`

	Faults fault.Config `embed:""`

	telemetry.Config
}

// Common returns the settings that all services share, for Open.
func (c *Config) Common() *Config { return c }

// Validate implements config.Checked. A service with further settings to check overrides it and calls it.
func (c *Config) Validate(r *config.Report) {
	config.Range(r, "PORT", c.Port, 0, 65535)
	config.Range(r, "ADMIN_PORT", c.AdminPort, 0, 65535)
	if c.Port != 0 && c.Port == c.AdminPort {
		r.Add("ADMIN_PORT", "the same as PORT", "another port")
	}
	if c.ListenHost != "" && c.ListenHost != "localhost" && net.ParseIP(c.ListenHost) == nil {
		r.Add("LISTEN_HOST", c.ListenHost, "an IP address, localhost or nothing")
	}
	atLeast(r, "IDLE_TIMEOUT", c.IdleTimeout, time.Second)
	atLeast(r, "DRAIN_DELAY", c.DrainDelay, 0)
	atLeast(r, "SHUTDOWN_TIMEOUT", c.ShutdownTimeout, 0)
	c.Faults.Validate(r)
	c.Config.Validate(r)
}

// atLeast adds a problem for a duration below low or above a day.
func atLeast(r *config.Report, variable string, value, low time.Duration) {
	const high = 24 * time.Hour
	if (value < low || value > high) && !r.Has(variable) {
		r.Add(variable, value.String(), "a duration from "+low.String()+" to 24h")
	}
}

// Settings is a service's configuration: a struct that embeds Config.
type Settings interface {
	config.Checked
	Common() *Config
}
