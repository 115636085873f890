package server

import (
	"time"

	"github.com/hopline/hopline/pkg/config"
	"github.com/hopline/hopline/pkg/fault"
	"github.com/hopline/hopline/pkg/telemetry"
)

// Config holds the settings that every service has. A service embeds it in its own.
type Config struct {
	Port            int           `default:"8080" help:"Port of the application." want:"a port number from 0 to 65535"`
	ListenHost      string        `help:"Address to listen on; all interfaces when empty."`
	AdminPort       int           `default:"8081" help:"Port of metrics, probes and switches." want:"a port number from 0 to 65535"`
	IdleTimeout     time.Duration `default:"2m" help:"How long an idle keep-alive connection stays open." want:"a duration such as 2m"`
	DrainDelay      time.Duration `default:"0s" help:"How long to go on serving after SIGTERM, not ready." want:"a duration such as 5s"`
	ShutdownTimeout time.Duration `default:"15s" help:"How long requests in flight may finish before they are cancelled." want:"a duration such as 15s"`

	telemetry.Config
	Faults fault.Config `embed:""`
}

// Common gives Open the part that all services share.
func (c *Config) Common() *Config { return c }

// Validate implements config.Checked. A service with settings of its own to check overrides it and calls it.
func (c *Config) Validate(r *config.Report) {}

// Settings is a service's configuration: a struct that embeds Config.
type Settings interface {
	config.Checked
	Common() *Config
}
