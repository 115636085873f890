// Package fault decides when a service fails on purpose: errors, dropped connections and latency, as configured, as requested by a header,
// or as set at run time. It makes the random choice; the server carries it out.
package fault

import "github.com/hopline/hopline/pkg/config"

// Config is the part of a service's settings that configures faults.
type Config struct {
	ErrorRate    float64 `default:"0" help:"Per cent of requests that get a 500." want:"a number from 0 to 100"`
	DropRate     float64 `default:"0" help:"Per cent of requests whose connection is closed without a response." want:"a number from 0 to 100"`
	Latency      Latency `default:"0" help:"Delay before the handler: 250ms, or 100ms-2s for a random one."`
	FaultHeaders bool    `default:"true" negatable:"" help:"Apply the headers fail and x-fault-SERVICE." want:"true or false"`
}

// Validate implements config.Checked.
func (c *Config) Validate(r *config.Report) {
	config.Range(r, "ERROR_RATE", c.ErrorRate, 0, 100)
	config.Range(r, "DROP_RATE", c.DropRate, 0, 100)
}

const wantRate = "a number from 0 to 100"

// isRate reports whether x is a percentage. It is false for NaN too.
func isRate(x float64) bool { return x >= 0 && x <= 100 }
