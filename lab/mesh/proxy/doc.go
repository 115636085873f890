// Package proxy is the lab's data plane: it carries out what mesh decides, for the ingress gateway and for every workload's sidecar.
//
// A request's way, file by file: entry.go (who calls: a gateway, or a pod known by its credentials), router.go (the filter chain), admit.go, headers.go and
// trace.go (what Envoy changes before it routes), then either answer.go (what the proxy answers itself) or try.go and
// retry.go (one host after another), with balance.go and outlier.go choosing the host, pool.go and conn.go the connection, deadlines.go how long it may take,
// package wire what goes over it, and answer.go passing it back to the caller; mirror.go sends copies; metrics.go, ejection.go, span.go and access.go report. Around it proxy.go
// holds the state, endpoints.go works it out once for each change, caller.go and cluster.go keep what one Envoy would keep for itself.
//
// The semantics are Envoy's, under the configuration that Istio gives it, as seen by asking both; comments name what is not obvious. The upstream side is
// not net/http's Transport: that retries requests by itself, hides why a connection failed, and hands each request to two more goroutines (BenchmarkIngress compares).
package proxy
