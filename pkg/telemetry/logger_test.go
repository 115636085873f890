package telemetry

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// newTelemetry returns telemetry with the settings of a service, changed by with.
func newTelemetry(t testing.TB, out io.Writer, with func(*Config)) *Telemetry {
	t.Helper()
	cfg := settings()
	with(&cfg)
	tel, err := Setup(&cfg, out)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tel.Shutdown(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return tel
}

// settings returns the defaults.
func settings() Config {
	return Config{
		Hostname: "front-amber-1", ServiceName: "front", ServiceVersion: "amber", LogLevel: "info", LogFormat: "json", Propagators: "b3multi",
		SDK: SDK{
			Sampler: "parentbased_always_on", QueueSize: 10, BatchSize: 10, ScheduleDelay: 1000, ExportTimeout: 1000,
			SpanAttributeLength: -1, SpanAttributeCount: 128, SpanEventCount: 128, SpanLinkCount: 128, EventAttributesCount: 128, LinkAttributesCount: 128,
			OTLPEndpoint: "http://localhost:4318", OTLPTimeout: 1000, OTLPCompression: "none", OTLPProtocol: "http/protobuf",
		},
	}
}

// nasty tries to break out of its line and to forge another field.
const nasty = "a\nb\r\x1b[31m\"},{\"trace_id\":\"forged\" \xff"

// TestLogJSON: one line per event with all keys and its span's ids, and values from outside are escaped.
func TestLogJSON(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	tel := newTelemetry(t, &out, func(*Config) {})
	ctx, span := tel.Tracer.Start(t.Context(), "x")
	tel.Log(ctx).Info("hello", zap.String("value", nasty))
	tel.Log(t.Context()).Info("without a span")
	tel.Logger.Debug("below the level")

	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines, wanted 2:\n%s", len(lines), out.String())
	}
	var got map[string]string
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil {
		t.Fatalf("%v: %s", err, lines[0])
	}
	for key, pattern := range map[string]string{
		"level": "^info$", "msg": "^hello$", "service": "^front$", "version": "^amber$",
		"ts":       `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$`,
		"caller":   `^telemetry/logger_test\.go:\d+$`,
		"trace_id": "^" + span.SpanContext().TraceID().String() + "$",
		"span_id":  "^" + span.SpanContext().SpanID().String() + "$",
	} {
		if !regexp.MustCompile(pattern).MatchString(got[key]) {
			t.Errorf("%s is %q, wanted %s", key, got[key], pattern)
		}
	}
	if want := strings.ToValidUTF8(nasty, "\ufffd"); got["value"] != want {
		t.Errorf("value is %q, wanted %q", got["value"], want)
	}
	if strings.Contains(lines[1], "trace_id") {
		t.Errorf("a line without a span has a trace id: %s", lines[1])
	}
}

// TestLogText: the same as text, in the contract's form.
func TestLogText(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	tel := newTelemetry(t, &out, func(c *Config) { c.LogFormat = "text" })
	ctx, span := tel.Tracer.Start(t.Context(), "x")
	tel.Log(ctx).Warn("hello", zap.String("value", nasty), zap.Int("n", 3), zap.Duration("d", time.Second))
	tel.Log(ctx).With(zap.String("with", "it")).Info(nasty)
	tel.Logger.Info("no span")

	id := "trace_id=" + span.SpanContext().TraceID().String() + " span_id=" + span.SpanContext().SpanID().String()
	ts := `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z`
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	patterns := []string{
		`^` + ts + ` WARN \[telemetry/logger_test\.go:\d+\] \[` + id + ` resource\.service\.name=front\] - hello \{"value":"a\\nb\\r\\u001b\[31m.*","n":3,"d":"1s"\}$`,
		`^` + ts + ` INFO \[telemetry/logger_test\.go:\d+\] \[` + id + ` resource\.service\.name=front\] - "a\\nb\\r\\x1b.*" \{"with":"it"\}$`,
		`^` + ts + ` INFO \[telemetry/logger_test\.go:\d+\] \[trace_id= span_id= resource\.service\.name=front\] - no span$`,
	}
	if len(lines) != len(patterns) {
		t.Fatalf("%d lines, wanted %d:\n%s", len(lines), len(patterns), out.String())
	}
	for i, pattern := range patterns {
		if !regexp.MustCompile(pattern).MatchString(lines[i]) {
			t.Errorf("line %d: %s\nwanted %s", i+1, lines[i], pattern)
		}
	}
}

// TestLogLevel: a change on the admin listener applies immediately, also to existing loggers.
func TestLogLevel(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	tel := newTelemetry(t, &out, func(c *Config) { c.LogLevel = "error" })
	tel.Logger.Info("no")
	tel.Level.SetLevel(zap.DebugLevel)
	tel.Logger.Debug("yes")
	if got := out.String(); strings.Contains(got, "no") || !strings.Contains(got, "yes") {
		t.Errorf("logged: %s", got)
	}
}

// TestTime: always nine digits, in UTC, in both forms.
func TestTime(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("east", 7*3600)
	for at, want := range map[time.Time]string{
		time.Unix(0, 0): "1970-01-01T00:00:00.000000000Z", time.Unix(1, 1): "1970-01-01T00:00:01.000000001Z",
		time.Date(2026, 1, 2, 3, 4, 5, 678901000, zone): "2026-01-01T20:04:05.678901000Z", time.Date(2026, 1, 2, 3, 4, 5, 999999999, zone): "2026-01-01T20:04:05.999999999Z",
	} {
		for _, encoder := range []zapcore.Encoder{zapcore.NewJSONEncoder(jsonEncoding), newTextEncoder("front")} {
			line, err := encoder.EncodeEntry(zapcore.Entry{Time: at}, nil)
			if err != nil || !strings.Contains(line.String(), want) {
				t.Errorf("%s, %v; wanted %s", line, err, want)
			}
		}
	}
}
