// Package telemetry sets up traces, metrics and logs that refer to each other.
//
// Setup returns one value and uses no global of OpenTelemetry, Prometheus or zap, so that several services can run in one process.
//
// Files: config.go and otelenv.go (Hopline's own variables, and the standard ones of OpenTelemetry), setup.go (builds everything),
// identity.go (who this process is, the same in all three). Traces: sampler.go, propagation.go and b3.go (which trace a request belongs to),
// queue.go (spans that wait), exporter.go and zipkin.go (where they are sent), semconv.go (names of attributes). Metrics: metrics.go
// (histograms with exemplars). Logs: logger.go (JSON) and text.go (lines for a person).
package telemetry
