// Package fault makes a service fail on purpose: errors, dropped connections and latency, configured, asked for by a header, or set at run time.
package fault

// Config is the part of a service's settings that says how it fails.
type Config struct {
	ErrorRate    float64 `default:"0" help:"Per cent of requests answered with 500." want:"a number from 0 to 100"`
	DropRate     float64 `default:"0" help:"Per cent of requests whose connection is closed without an answer." want:"a number from 0 to 100"`
	Latency      Latency `default:"0" help:"Delay before the handler: 250ms, or 100ms-2s for a random one."`
	FaultHeaders bool    `default:"true" negatable:"" help:"Obey the headers fail and x-fault-SERVICE." want:"true or false"`
}
