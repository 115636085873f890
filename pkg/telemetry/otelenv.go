package telemetry

import (
	"errors"
	"net/url"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/hopline/hopline/pkg/config"
)

// SDK holds the standard variables of OpenTelemetry SDKs, with the defaults of the specification
// (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). The Go SDK reads them from the process and ignores
// what it cannot parse; here they are settings like all others.
type SDK struct {
	Disabled           bool   `name:"otel-sdk-disabled" default:"false" help:"Create no spans." want:"true or false"`
	ResourceAttributes string `name:"otel-resource-attributes" help:"Further attributes of all spans, as key=value,key=value."`
	Sampler            string `name:"otel-traces-sampler" default:"parentbased_always_on" help:"always_on, always_off, traceidratio, or one of them as parentbased_…."`
	SamplerArg         string `name:"otel-traces-sampler-arg" help:"The ratio of a traceidratio sampler, 0 to 1; without it 1."`

	QueueSize     int `name:"otel-bsp-max-queue-size" default:"2048" help:"Maximum number of spans that wait for export." want:"a number"`
	BatchSize     int `name:"otel-bsp-max-export-batch-size" default:"512" help:"Maximum number of spans in one export." want:"a number"`
	ScheduleDelay int `name:"otel-bsp-schedule-delay" default:"1000" help:"Maximum milliseconds between exports; the standard is 5000, but a user who presses a button wants to see the trace." want:"a number of milliseconds"`
	ExportTimeout int `name:"otel-bsp-export-timeout" default:"30000" help:"Milliseconds that one export may take." want:"a number of milliseconds"`

	SpanAttributeLength  int `name:"otel-span-attribute-value-length-limit" default:"-1" help:"Characters of one attribute's value; -1 for no limit." want:"a number"`
	SpanAttributeCount   int `name:"otel-span-attribute-count-limit" default:"128" help:"Attributes of one span." want:"a number"`
	SpanEventCount       int `name:"otel-span-event-count-limit" default:"128" help:"Events of one span." want:"a number"`
	SpanLinkCount        int `name:"otel-span-link-count-limit" default:"128" help:"Links of one span." want:"a number"`
	EventAttributesCount int `name:"otel-event-attribute-count-limit" default:"128" help:"Attributes of one event." want:"a number"`
	LinkAttributesCount  int `name:"otel-link-attribute-count-limit" default:"128" help:"Attributes of one link." want:"a number"`

	OTLPEndpoint       string `name:"otel-exporter-otlp-endpoint" default:"http://localhost:4318" help:"OTLP collector; /v1/traces is added."`
	OTLPTracesEndpoint string `name:"otel-exporter-otlp-traces-endpoint" help:"OTLP collector for spans, the whole URL."`
	OTLPHeaders        string `name:"otel-exporter-otlp-headers" help:"Headers for the OTLP collector, as key=value,key=value."`
	OTLPTimeout        int    `name:"otel-exporter-otlp-timeout" default:"10000" help:"Milliseconds that one OTLP request may take." want:"a number of milliseconds"`
	OTLPCompression    string `name:"otel-exporter-otlp-compression" default:"none" help:"none or gzip."`
	OTLPProtocol       string `name:"otel-exporter-otlp-protocol" default:"http/protobuf" help:"http/protobuf is the only one."`
}

const day = 24 * 60 * 60 * 1000 // milliseconds, the maximum of all delays

func (s *SDK) validate(r *config.Report) {
	if _, err := parseAttributes(s.ResourceAttributes); err != nil {
		r.Add("OTEL_RESOURCE_ATTRIBUTES", s.ResourceAttributes, err.Error())
	}
	s.validateSampler(r)
	config.Range(r, "OTEL_BSP_MAX_QUEUE_SIZE", s.QueueSize, 1, 1<<20)
	if !r.Has("OTEL_BSP_MAX_QUEUE_SIZE") {
		config.Range(r, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", s.BatchSize, 1, s.QueueSize)
	}
	config.Range(r, "OTEL_BSP_SCHEDULE_DELAY", s.ScheduleDelay, 1, day)
	config.Range(r, "OTEL_BSP_EXPORT_TIMEOUT", s.ExportTimeout, 1, day)
	config.Range(r, "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", s.SpanAttributeLength, -1, 1<<30)
	config.Range(r, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", s.SpanAttributeCount, 0, 1<<16)
	config.Range(r, "OTEL_SPAN_EVENT_COUNT_LIMIT", s.SpanEventCount, 0, 1<<16)
	config.Range(r, "OTEL_SPAN_LINK_COUNT_LIMIT", s.SpanLinkCount, 0, 1<<16)
	config.Range(r, "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", s.EventAttributesCount, 0, 1<<16)
	config.Range(r, "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", s.LinkAttributesCount, 0, 1<<16)
	s.validateOTLP(r)
}

func (s *SDK) validateSampler(r *config.Report) {
	if _, ok := rootSampler(s.Sampler, 1); !ok {
		r.Add("OTEL_TRACES_SAMPLER", s.Sampler, "always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or parentbased_traceidratio")
	}
	if _, err := s.ratio(); err != nil {
		r.Add("OTEL_TRACES_SAMPLER_ARG", s.SamplerArg, err.Error())
	}
}

func (s *SDK) validateOTLP(r *config.Report) {
	for _, endpoint := range []pair{{"OTEL_EXPORTER_OTLP_ENDPOINT", s.OTLPEndpoint}, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", s.OTLPTracesEndpoint}} {
		if endpoint.value != "" && !isOTLPURL(endpoint.value) {
			r.Add(endpoint.key, endpoint.value, "a URL such as http://collector:4318, without credentials and query")
		}
	}
	if _, err := parsePairs(s.OTLPHeaders); err != nil {
		r.Add("OTEL_EXPORTER_OTLP_HEADERS", s.OTLPHeaders, err.Error())
	}
	config.Range(r, "OTEL_EXPORTER_OTLP_TIMEOUT", s.OTLPTimeout, 1, day)
	if s.OTLPCompression != "none" && s.OTLPCompression != "gzip" {
		r.Add("OTEL_EXPORTER_OTLP_COMPRESSION", s.OTLPCompression, "none or gzip")
	}
	if s.OTLPProtocol != "http/protobuf" {
		r.Add("OTEL_EXPORTER_OTLP_PROTOCOL", s.OTLPProtocol, "http/protobuf")
	}
}

// ratio returns the share of traces that a ratio sampler samples.
func (s *SDK) ratio() (float64, error) {
	if s.SamplerArg == "" {
		return 1, nil
	}
	ratio, err := strconv.ParseFloat(s.SamplerArg, 64)
	if err != nil || !(ratio >= 0 && ratio <= 1) {
		return 0, errors.New("a number from 0 to 1")
	}
	return ratio, nil
}

// pair is one key=value of a list.
type pair struct{ key, value string }

// parsePairs parses key=value,key=value with percent-encoded values: W3C baggage's form, which the specification requires.
func parsePairs(list string) ([]pair, error) {
	var pairs []pair
	for _, item := range strings.Split(list, ",") {
		if strings.TrimSpace(item) == "" {
			continue
		}
		key, value, ok := strings.Cut(item, "=")
		key = strings.TrimSpace(key)
		decoded, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || key == "" || err != nil {
			return nil, errors.New("a list such as key=value,key=value with percent-encoded values")
		}
		pairs = append(pairs, pair{key, decoded})
	}
	return pairs, nil
}

func parseAttributes(list string) ([]attribute.KeyValue, error) {
	pairs, err := parsePairs(list)
	if err != nil {
		return nil, err
	}
	attributes := make([]attribute.KeyValue, 0, len(pairs))
	for _, p := range pairs {
		attributes = append(attributes, attribute.String(p.key, p.value))
	}
	return attributes, nil
}

// isOTLPURL is like isCollectorURL, for OTLP: its exporter sends neither the credentials nor the query of the URL.
func isOTLPURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && isCollectorURL(text) && u.User == nil && u.RawQuery == ""
}

// isCollectorURL reports whether spans can be sent to text.
func isCollectorURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.Fragment == ""
}
