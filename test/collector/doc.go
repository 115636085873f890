// Package collector holds the tests of the OpenTelemetry Collector's configuration in deploy/: a real collector reads real log files and the
// spans of real services, and a sink checks what it sends on. The collector is built from its modules by its own builder, with builder.yaml:
// eleven minutes on two busy cores the first time, ten seconds after that. Run it as
//
//	GOWORK=off go test -count=1 .
package collector
