// Package conformance holds what Hopline promises whichever engine runs it, as black-box checks through the ingress. The same
// suite runs against the lab on a laptop and against Kubernetes with Istio:
//
//	make conformance URL=http://localhost:8080 OVERLAY=canary
//
// URL is the way in: the ingress gateway, or in the overlay plain, which has none, front's NodePort. OVERLAY is what was deployed; the suite
// is told, since what it sees must not decide what it wants to see. More is checked where there is more to look at:
//
//	TRACES=http://localhost:9411           a Zipkin read API
//	ADMIN='http://127.0.0.1:20001 …'       admin ports, of any number of pods; each says itself whose it is
//	LOGS=file                              what all pods print, while they print it; whatever stands before a line's JSON is skipped
//
// The suite knows the system by its contract alone: it imports nothing of it. At the end it names what it did not check and why, which
// includes what only one of the engines can do.
package conformance
