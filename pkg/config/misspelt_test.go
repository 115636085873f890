package config

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMisspelt covers which variables of an environment count as misspelt, and what they are likely to mean.
func TestMisspelt(t *testing.T) {
	t.Parallel()
	known := []string{"PORT", "ADMIN_PORT", "LATENCY", "ERROR_RATE", "SERVICE_NAME", "HOSTNAME", "OTEL_TRACES_EXPORTER", "OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_EXPORT_TIMEOUT"}
	for _, c := range []struct {
		env  string // entries separated by spaces
		want string // variable>meant, separated by spaces
	}{
		{"PORT=1 ERROR_RATE=2 OTEL_TRACES_EXPORTER=zipkin", ""},
		{"EROR_RATE=20", "EROR_RATE>ERROR_RATE"},
		{"ERORR_RATE=20", "ERORR_RATE>ERROR_RATE"},
		{"ERRORRATE=20 LATENCYS=1s", "ERRORRATE>ERROR_RATE LATENCYS>LATENCY"},
		{"error_rate=20", "error_rate>ERROR_RATE"},
		{"ERROR-RATE=20", "ERROR-RATE>ERROR_RATE"},
		{"OTEL_TRACE_EXPORTER=otlp", "OTEL_TRACE_EXPORTER>OTEL_TRACES_EXPORTER"},
		{"ERORR_RATE=1 ADMINPORT=2 ADMINPORT=3", "ADMINPORT>ADMIN_PORT ERORR_RATE>ERROR_RATE"},
		{"PORTS=1", "PORTS>PORT"},
		{"PATH=/bin PWD=/ HOME=/root HOST=x SORTED=1 ERROR=1 RATE=2 nonsense =x", ""},
		{"HTTP_PROXY=x HTTPS_PROXY=x NO_PROXY=x no_proxy=x FTP_PROXY=x", ""},
		{"ADMIN1_SERVICE_HOST=10.0.0.1 ADMIN1_SERVICE_PORT=80 ADMIN1_PORT=tcp://10.0.0.1:80 ADMIN1_PORT_80_TCP_ADDR=10.0.0.1", ""},
		{"ADMIN1_PORT=80", "ADMIN1_PORT>ADMIN_PORT"}, // there is no Service of that name
		{"MIDDLE_SERVICE_HOST=10.0.0.1 MIDDLE_SERVICE_PORT=80 MIDDLE_SERVICE_PORT_HTTP=80 MIDDLE_PORT=tcp://10.0.0.1:80", ""},
	} {
		var got []string
		for _, m := range misspelt(strings.Fields(c.env), known) {
			got = append(got, m.Variable+">"+m.Meant)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, wanted %q", c.env, got, c.want)
		}
	}
}

// TestMisspeltNot: no variable of OpenTelemetry's specification counts as misspelt, and none of this process's environment.
func TestMisspeltNot(t *testing.T) {
	t.Parallel()
	// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ and .../protocol/exporter/
	standard := strings.Fields(`OTEL_SDK_DISABLED OTEL_ENTITIES OTEL_RESOURCE_ATTRIBUTES OTEL_SERVICE_NAME OTEL_LOG_LEVEL OTEL_PROPAGATORS
		OTEL_TRACES_SAMPLER OTEL_TRACES_SAMPLER_ARG OTEL_BSP_SCHEDULE_DELAY OTEL_BSP_EXPORT_TIMEOUT OTEL_BSP_MAX_QUEUE_SIZE
		OTEL_BSP_MAX_EXPORT_BATCH_SIZE OTEL_BLRP_SCHEDULE_DELAY OTEL_BLRP_EXPORT_TIMEOUT OTEL_BLRP_MAX_QUEUE_SIZE
		OTEL_BLRP_MAX_EXPORT_BATCH_SIZE OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT OTEL_ATTRIBUTE_COUNT_LIMIT OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT
		OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT OTEL_SPAN_EVENT_COUNT_LIMIT OTEL_SPAN_LINK_COUNT_LIMIT OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT
		OTEL_LINK_ATTRIBUTE_COUNT_LIMIT OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT
		OTEL_EXPORTER_ZIPKIN_ENDPOINT OTEL_EXPORTER_ZIPKIN_TIMEOUT OTEL_EXPORTER_PROMETHEUS_HOST OTEL_EXPORTER_PROMETHEUS_PORT
		OTEL_TRACES_EXPORTER OTEL_METRICS_EXPORTER OTEL_LOGS_EXPORTER OTEL_METRICS_EXEMPLAR_FILTER OTEL_METRIC_EXPORT_INTERVAL
		OTEL_METRIC_EXPORT_TIMEOUT OTEL_EXPERIMENTAL_CONFIG_FILE OTEL_CONFIG_FILE`)
	for _, part := range []string{"ENDPOINT", "HEADERS", "TIMEOUT", "COMPRESSION", "PROTOCOL", "CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE", "INSECURE"} {
		for _, signal := range []string{"", "TRACES_", "METRICS_", "LOGS_"} {
			standard = append(standard, "OTEL_EXPORTER_OTLP_"+signal+part)
		}
	}
	known := strings.Fields(`PORT LISTEN_HOST ADMIN_PORT IDLE_TIMEOUT DRAIN_DELAY SHUTDOWN_TIMEOUT HEALTHY ERROR_RATE DROP_RATE LATENCY FAULT_HEADERS
		HOSTNAME SERVICE_NAME SERVICE_VERSION LOG_LEVEL LOG_FORMAT UPSTREAM_URL TIME_URL TRACE_UI_URL SLOW_DURATION BOUNCE_ALLOW ALLOW_CRASH
		OTEL_TRACES_EXPORTER OTEL_EXPORTER_ZIPKIN_ENDPOINT OTEL_PROPAGATORS OTEL_SDK_DISABLED OTEL_RESOURCE_ATTRIBUTES OTEL_TRACES_SAMPLER
		OTEL_TRACES_SAMPLER_ARG OTEL_BSP_MAX_QUEUE_SIZE OTEL_BSP_MAX_EXPORT_BATCH_SIZE OTEL_BSP_SCHEDULE_DELAY OTEL_BSP_EXPORT_TIMEOUT
		OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT OTEL_SPAN_EVENT_COUNT_LIMIT OTEL_SPAN_LINK_COUNT_LIMIT
		OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT OTEL_LINK_ATTRIBUTE_COUNT_LIMIT OTEL_EXPORTER_OTLP_ENDPOINT OTEL_EXPORTER_OTLP_TRACES_ENDPOINT
		OTEL_EXPORTER_OTLP_HEADERS OTEL_EXPORTER_OTLP_TIMEOUT OTEL_EXPORTER_OTLP_COMPRESSION OTEL_EXPORTER_OTLP_PROTOCOL`)
	for _, name := range standard {
		if got := misspelt([]string{name + "=x"}, known); got != nil {
			t.Errorf("%s was taken for %v", name, got)
		}
	}
	if got := misspelt(os.Environ(), known); got != nil {
		t.Errorf("taken from the environment: %v", got)
	}
}

// TestLoadMisspelt: only the names of a configuration's own settings are compared.
func TestLoadMisspelt(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	var s sample
	got, err := Load(Source{Env: []string{"PROT=1", "PORTT=1", "TARGETS=x", "PORT=2"}, Stdout: &out, Stderr: &out, Vars: map[string]string{"service": "sample"}}, Program{Name: "sample"}, &s)
	if err != nil || out.Len() > 0 {
		t.Fatalf("%v: %s", err, &out)
	}
	if d := cmp.Diff([]Misspelling{{"PORTT", "PORT"}, {"TARGETS", "TARGET"}}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
