// Package collector receives the spans of all processes and serves them: Zipkin v2 and OTLP over HTTP in, Zipkin's read API out, with one
// bounded store in memory between them.
//
// The files in reading order: collector.go (options, start and end), zipkin_in.go, otlp.go and otlp_span.go (spans in; body.go bounds what
// is read), queue.go and store.go (from the senders to the store), packed.go and words.go (the compact form in which it keeps spans), index.go
// (services, names and tags), keep.go (which traces a full store keeps longer), span.go (when two spans are equal), search.go (queries),
// subscription.go (spans for other parts of the lab), zipkin_api.go, zipkin_read.go and parameters.go (Zipkin's read API), forward.go (copies
// for the user's Zipkin), metrics.go (what is received and lost).
package collector
