// Package apiserver holds the tests that apply everything in deploy/ to a real API server, as a dry run: the server decodes each object
// strictly, completes it, and validates it by Kubernetes' own rules and by the CustomResourceDefinitions of Istio, the Gateway API and
// Linkerd. No node is needed, and nothing runs. TestContext lets hopline read such a server by kubectl.
//
//	GOWORK=off go test -count=1 .
//
// It needs the programs kube-apiserver and etcd, in PATH or in KUBEBUILDER_ASSETS (`setup-envtest use` fetches them).
package apiserver
