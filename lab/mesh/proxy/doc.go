// Package proxy is the lab's data plane: it carries out what mesh decides, for the ingress gateway and for every workload's sidecar.
package proxy
