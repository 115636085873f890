// Package e2e is a tour over everything that deploy/ puts on a real Kubernetes with a real Istio. It changes the cluster that KUBECONFIG
// names, and puts it back:
//
//	make e2e URL=http://localhost:8080
//
// URL is the ingress gateway as it is reached from here. Without one every test is skipped. It takes kubectl, istioctl and docker.
package e2e
