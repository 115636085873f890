package overlay

// mayCreatePods reports whether the controller of an object that Read leaves out may create pods or Services: any kind that is neither
// Istio's nor one of Kubernetes' own without pods.
func mayCreatePods(m Meta) bool {
	switch group(m.APIVersion) {
	case "batch":
		return m.Kind == "CronJob"
	case "", "apps", "autoscaling", "policy", "networking.k8s.io", "rbac.authorization.k8s.io", "storage.k8s.io", "scheduling.k8s.io",
		"coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "apiextensions.k8s.io", "admissionregistration.k8s.io",
		"networking.istio.io", "security.istio.io", "extensions.istio.io", "telemetry.istio.io":
		return false
	}
	return true
}
