// Package gatewayapi runs the upstream tests of the Gateway API, those of sigs.k8s.io/gateway-api/conformance, against the lab. The tests apply
// objects, wait for their status, and send requests to gateways or from pods.
//
//	GOWORK=off go test -count=1 .
//
// No cluster is needed. The suite's client writes to objects in memory; after each change the lab's packages read all of them, as `hopline
// explain -f context:NAME` reads those of a cluster, and the status that they compute is written back. The lab's own proxy carries the requests,
// to one echo server for each pod.
//
//   - cluster_test.go holds the objects, status_test.go writes their status.
//   - lab_test.go is the lab.
//   - pods_test.go starts the pods' servers, echo_test.go; podapi_test.go serves what the suite wants from a pod: its log, and exec.
//   - choice_test.go selects the tests, and suite_test.go runs them.
package gatewayapi
