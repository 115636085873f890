// Package proxy is the lab's data plane: it executes the decisions of mesh, for the ingress gateway and for every workload's sidecar.
//
// The path of a request, file by file: entry.go (a gateway, or a pod identified by its credentials), router.go (the filter chain),
// admit.go, headers.go and trace.go (what Envoy changes before it routes), then either respond.go (the proxy's own responses) or try.go and
// retry.go (one host after another). balance.go and outlier.go choose the host, pool.go and conn.go the connection, deadlines.go sets the
// time limits, package wire reads and writes HTTP/1.1, and respond.go sends the response to the caller. mirror.go sends copies; metrics.go,
// ejection.go, span.go and access.go report. proxy.go holds the state, endpoints.go computes it once for each change, caller.go and
// cluster.go keep what one Envoy keeps for itself. gateway.go listens for gateways inside the mesh; nosidecar.go and nodeport.go serve
// traffic that bypasses the mesh.
//
// It has the semantics of Envoy under Istio's configuration, as observed by comparing both; comments name what is not obvious. The
// upstream side is not net/http's Transport: that retries requests by itself, hides why a connection failed, and hands each request to two
// more goroutines (BenchmarkIngress compares).
package proxy
