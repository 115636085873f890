package telemetry

import (
	"strings"

	"go.uber.org/zap/zapcore"

	"github.com/hopline/hopline/pkg/config"
)

// Config is the part of a service's settings that configures telemetry.
type Config struct {
	Hostname       string `default:"${hostname}" help:"The pod's name."`
	ServiceName    string `default:"${service}" help:"Name in traces, logs and metrics; the app label."`
	ServiceVersion string `default:"dev" help:"Version in traces, logs and metrics; the version label."`
	LogLevel       string `default:"info" help:"Lowest level that is logged: debug, info, warn or error."`
	LogFormat      string `default:"json" help:"json, or text for people."`

	Exporter       string `name:"otel-traces-exporter" help:"Where spans are sent: zipkin, otlp, console or none. Without it zipkin when OTEL_EXPORTER_ZIPKIN_ENDPOINT is set, else none."`
	ZipkinEndpoint string `name:"otel-exporter-zipkin-endpoint" help:"The Zipkin collector, such as http://zipkin:9411/api/v2/spans."`
	Propagators    string `name:"otel-propagators" default:"b3multi" help:"Formats of the trace headers: a list of b3multi, b3, tracecontext and baggage."`

	SDK SDK `embed:"" group:"OpenTelemetry SDK:"`
}

// Validate implements config.Checked.
func (c *Config) Validate(r *config.Report) {
	for _, name := range []pair{{"HOSTNAME", c.Hostname}, {"SERVICE_NAME", c.ServiceName}, {"SERVICE_VERSION", c.ServiceVersion}} {
		if !isWord(name.value) {
			r.Add(name.key, name.value, "a name of up to 253 letters, digits, dots, underscores and hyphens")
		}
	}
	if !validLevel(c.LogLevel) {
		r.Add("LOG_LEVEL", c.LogLevel, "debug, info, warn or error")
	}
	if c.LogFormat != "json" && c.LogFormat != "text" {
		r.Add("LOG_FORMAT", c.LogFormat, "json or text")
	}
	c.validateExport(r)
	if _, err := newPropagator(c.Propagators); err != nil {
		r.Add("OTEL_PROPAGATORS", c.Propagators, err.Error())
	}
	c.SDK.validate(r)
}

// validateExport checks the settings of the exporter.
func (c *Config) validateExport(r *config.Report) {
	if c.ZipkinEndpoint != "" && !isCollectorURL(c.ZipkinEndpoint) {
		r.Add("OTEL_EXPORTER_ZIPKIN_ENDPOINT", c.ZipkinEndpoint, "a URL such as http://zipkin:9411/api/v2/spans")
	}
	switch c.exporter() {
	case "zipkin", "otlp", "console", "none":
	default:
		r.Add("OTEL_TRACES_EXPORTER", c.Exporter, "zipkin, otlp, console or none")
	}
}

// exporter returns the name of the chosen exporter, or the default.
func (c *Config) exporter() string {
	switch {
	case c.SDK.Disabled:
		return "none"
	case c.Exporter != "":
		return c.Exporter
	case c.ZipkinEndpoint != "":
		return "zipkin"
	default:
		return "none"
	}
}

// Identity returns the identity of this process according to the settings.
func (c *Config) Identity() Identity { return Identity{c.ServiceName, c.ServiceVersion, c.Hostname} }

// isWord reports whether s is safe in headers, labels and hop lines.
func isWord(s string) bool {
	return s != "" && len(s) <= 253 && strings.IndexFunc(s, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-._", c))
	}) < 0
}

func validLevel(s string) bool {
	level, err := zapcore.ParseLevel(s)
	return err == nil && level <= zapcore.ErrorLevel
}
