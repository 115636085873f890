// Package conformance checks what Hopline promises on any engine, as black-box tests through the ingress. The same suite runs against the
// lab on a laptop and against Kubernetes with Istio:
//
//	make conformance URL=http://localhost:8080 OVERLAY=canary
//
// URL is the entry point: the ingress gateway, or, in the overlay plain, which has none, front's NodePort. OVERLAY names what was deployed.
// The suite needs the name, because what it observes must not decide what it expects. It checks more where more is given:
//
//	TRACES=http://localhost:9411           a Zipkin read API
//	ADMIN='http://127.0.0.1:20001 …'       admin ports of any number of pods; each reports whose it is
//	LOGS=file                              what all pods print, while they print it; text before a line's JSON is skipped
//
// The suite uses the system only through its contract: it imports nothing of it. At the end it lists what it did not check and why,
// including what only one of the engines can do.
package conformance
