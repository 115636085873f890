// Package zipkin is the span as Zipkin's v2 JSON API spells it: what the proxy emits, the collector stores and the console shows.
// The source of every name and rule is Zipkin's OpenAPI description, zipkin2-api.yaml.
//
// Files: span.go and tags.go (the span), decode.go and scan.go (reads JSON as leniently as Zipkin does), normal.go (the form that is
// stored), encode.go (writes JSON).
package zipkin
