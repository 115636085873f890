package telemetry

import "github.com/hopline/hopline/pkg/config"

// Config is the part of a service's settings that telemetry reads.
type Config struct {
	Hostname       string `default:"${hostname}" help:"The pod's name."`
	ServiceName    string `default:"${service}" help:"Name in traces, logs and metrics: the app label."`
	ServiceVersion string `default:"dev" help:"Version in traces, logs and metrics: the version label."`
	LogLevel       string `default:"info" help:"Lowest level that is logged: debug, info, warn or error."`
	LogFormat      string `default:"json" help:"json, or text for people."`
	Exporter       string `name:"otel-traces-exporter" help:"Where spans go: zipkin, otlp, console or none. Default: zipkin when its endpoint is set, else none."`
	ZipkinEndpoint string `name:"otel-exporter-zipkin-endpoint" help:"The Zipkin collector, such as http://zipkin:9411/api/v2/spans."`
	Propagators    string `name:"otel-propagators" default:"b3multi" help:"List of b3multi, b3, tracecontext and baggage."`
}

// Validate implements config.Checked.
func (c *Config) Validate(r *config.Report) {}

// Identity is who the settings say that this process is.
func (c *Config) Identity() Identity { return Identity{c.ServiceName, c.ServiceVersion, c.Hostname} }
