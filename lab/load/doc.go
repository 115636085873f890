// Package load implements `hopline load`, an open-model load generator for one target. It sends requests when they are due, whether or not
// the earlier ones have received a response, and every latency counts from when the request was due. So a server that stalls cannot hide it
// (no coordinated omission).
//
// The files in reading order:
//   - command.go: Command, its flags and checks, and Execute; condition.go parses and checks --fail-if.
//   - plan.go computes when each request is due; attack.go sends the requests with vegeta and makes the report; target.go is the transport.
//   - recorder.go sums the results in bounded memory, with lab/internal/histogram for the latencies; hops.go reads who responded.
//   - expectation.go computes the expected shares from an overlay's rules; shares.go compares them with the counts, by chisquare.go.
//   - progress.go shows the progress; report.go writes the report as text and JSON, html.go and plot.go as HTML.
package load
