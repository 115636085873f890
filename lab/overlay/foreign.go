package overlay

import (
	"fmt"
	"strings"
)

// foreign describes a kind that others support and the lab does not; "" for an unknown kind. A kind of another API may have the same name
// as one that the lab supports, or a similar one, and be a different thing.
func foreign(apiVersion, name string) string {
	what := ""
	switch group(apiVersion) {
	case "gateway.networking.k8s.io":
		what = "the Gateway API, of which the lab supports Gateway, HTTPRoute and ReferenceGrant"
	case "networking.istio.io", "extensions.istio.io":
		switch name {
		case "EnvoyFilter", "WasmPlugin", "ProxyConfig":
			what = "Istio; the lab's proxy is not Envoy and has no such configuration"
		case "WorkloadEntry", "WorkloadGroup":
			what = "Istio, for machines outside the cluster; use a ServiceEntry with endpoints"
		}
	case "security.istio.io":
		if name == "RequestAuthentication" {
			what = "Istio, for tokens (JWT), which the lab does not check"
		}
	case "telemetry.istio.io":
		what = "Istio, for metrics, logs and traces of its proxies, of which the lab has its own"
	case "install.istio.io":
		what = "Istio's installation; the lab has its own gateways"
	case "networking.k8s.io":
		if name == "Ingress" || name == "IngressClass" {
			what = "Kubernetes; use Istio's Gateway and VirtualService"
		}
	case "apps":
		if name == "StatefulSet" || name == "DaemonSet" || name == "ReplicaSet" {
			what = "Kubernetes; the lab runs Deployments only"
		}
	case "batch":
		what = "Kubernetes, for programs that end; the lab runs Deployments only"
	case "autoscaling":
		what = "Kubernetes; the lab runs as many replicas as the Deployment states"
	case "rbac.authorization.k8s.io":
		what = "Kubernetes' API server, which the lab does not have"
	case "apiextensions.k8s.io", "admissionregistration.k8s.io":
		what = "Kubernetes' API server, which the lab does not have"
	case "cert-manager.io", "monitoring.coreos.com", "argoproj.io", "flagger.app", "helm.toolkit.fluxcd.io", "keda.sh":
		what = "another program in the cluster, which the lab does not run"
	case "":
		switch name {
		case "Pod", "ReplicationController":
			what = "Kubernetes; the lab runs Deployments only"
		case "PersistentVolume", "PersistentVolumeClaim":
			what = "Kubernetes; the lab keeps no data after a pod's end; use emptyDir"
		case "Endpoints":
			what = "Kubernetes; use a ServiceEntry with endpoints"
		case "LimitRange", "ResourceQuota", "Node", "Event":
			what = "Kubernetes; the lab has no limits of its own"
		}
	}
	if what == "" {
		return ""
	}
	return fmt.Sprintf("kind %s (%s) is not supported by the lab: it is of %s", name, apiVersion, what)
}

// group returns the group of an apiVersion; "" for Kubernetes' core.
func group(apiVersion string) string {
	group, _, grouped := strings.Cut(apiVersion, "/")
	if !grouped {
		return ""
	}
	return group
}
