package telemetry

import (
	"strings"
	"testing"

	"github.com/hopline/hopline/pkg/config"
)

// TestConfig: the problem of each wrong value names its variable, and the defaults are right.
func TestConfig(t *testing.T) {
	t.Parallel()
	for variable, with := range map[string]func(*Config){
		"":                                       func(*Config) {},
		"HOSTNAME":                               func(c *Config) { c.Hostname = "a b" },
		"SERVICE_NAME":                           func(c *Config) { c.ServiceName = "" },
		"SERVICE_VERSION":                        func(c *Config) { c.ServiceVersion = "v1\nv2" },
		"LOG_LEVEL":                              func(c *Config) { c.LogLevel = "loud" },
		"LOG_FORMAT":                             func(c *Config) { c.LogFormat = "xml" },
		"OTEL_TRACES_EXPORTER":                   func(c *Config) { c.Exporter = "jaeger" },
		"OTEL_EXPORTER_ZIPKIN_ENDPOINT":          func(c *Config) { c.ZipkinEndpoint = "zipkin:9411" },
		"OTEL_PROPAGATORS":                       func(c *Config) { c.Propagators = "b3,xray" },
		"OTEL_RESOURCE_ATTRIBUTES":               func(c *Config) { c.SDK.ResourceAttributes = "novalue" },
		"OTEL_TRACES_SAMPLER":                    func(c *Config) { c.SDK.Sampler = "sometimes" },
		"OTEL_TRACES_SAMPLER_ARG":                func(c *Config) { c.SDK.SamplerArg = "1.1" },
		"OTEL_BSP_MAX_QUEUE_SIZE":                func(c *Config) { c.SDK.QueueSize = 0 },
		"OTEL_BSP_MAX_EXPORT_BATCH_SIZE":         func(c *Config) { c.SDK.BatchSize = 11 },
		"OTEL_BSP_SCHEDULE_DELAY":                func(c *Config) { c.SDK.ScheduleDelay = -1 },
		"OTEL_BSP_EXPORT_TIMEOUT":                func(c *Config) { c.SDK.ExportTimeout = 0 },
		"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": func(c *Config) { c.SDK.SpanAttributeLength = -2 },
		"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT":        func(c *Config) { c.SDK.SpanAttributeCount = -1 },
		"OTEL_SPAN_EVENT_COUNT_LIMIT":            func(c *Config) { c.SDK.SpanEventCount = -1 },
		"OTEL_SPAN_LINK_COUNT_LIMIT":             func(c *Config) { c.SDK.SpanLinkCount = -1 },
		"OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT":       func(c *Config) { c.SDK.EventAttributesCount = -1 },
		"OTEL_LINK_ATTRIBUTE_COUNT_LIMIT":        func(c *Config) { c.SDK.LinkAttributesCount = -1 },
		"OTEL_EXPORTER_OTLP_ENDPOINT":            func(c *Config) { c.SDK.OTLPEndpoint = "ftp://x" },
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT":     func(c *Config) { c.SDK.OTLPTracesEndpoint = "http://" },
		"OTEL_EXPORTER_OTLP_HEADERS":             func(c *Config) { c.SDK.OTLPHeaders = "=x" },
		"OTEL_EXPORTER_OTLP_TIMEOUT":             func(c *Config) { c.SDK.OTLPTimeout = 0 },
		"OTEL_EXPORTER_OTLP_COMPRESSION":         func(c *Config) { c.SDK.OTLPCompression = "zip" },
		"OTEL_EXPORTER_OTLP_PROTOCOL":            func(c *Config) { c.SDK.OTLPProtocol = "grpc" },
	} {
		t.Run(variable, func(t *testing.T) {
			t.Parallel()
			c, r := settings(), &config.Report{}
			with(&c)
			c.Validate(r)
			var got []string
			for _, p := range r.Problems() {
				got = append(got, p.Variable)
			}
			if strings.Join(got, " ") != variable {
				t.Errorf("problems with %v, wanted %q", got, variable)
			}
		})
	}
}

// TestExporter checks which exporter the settings select.
func TestExporter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		exporter, endpoint string
		disabled           bool
		want               string
	}{
		{"", "", false, "none"},
		{"", "http://zipkin:9411/api/v2/spans", false, "zipkin"},
		{"none", "http://zipkin:9411/api/v2/spans", false, "none"},
		{"otlp", "http://zipkin:9411/api/v2/spans", false, "otlp"},
		{"zipkin", "", false, "zipkin"},
		{"zipkin", "", true, "none"},
	} {
		cfg := Config{Exporter: c.exporter, ZipkinEndpoint: c.endpoint, SDK: SDK{Disabled: c.disabled}}
		if got := cfg.exporter(); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
