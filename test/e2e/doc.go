// Package e2e tests everything that deploy/ adds to a real Kubernetes with a real Istio. It changes the cluster that KUBECONFIG names, and
// restores it:
//
//	make e2e URL=http://localhost:8080
//
// URL is the address of the ingress gateway from here. Without it every test is skipped. It needs kubectl, istioctl and docker.
package e2e
