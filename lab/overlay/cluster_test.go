package overlay

import (
	"strings"
	"testing"
)

// TestClusterMetadata: the metadata that an API server adds is not a mistake in an object of a cluster; an unknown field elsewhere is a
// mistake.
func TestClusterMetadata(t *testing.T) {
	t.Parallel()
	const list = `{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
		"metadata": {"name": "r", "namespace": "app", "uid": "u", "resourceVersion": "7", "generation": 2, "creationTimestamp": "2026-01-31T12:00:00Z", "managedFields": []},
		"spec": {"parentRefs": [{"name": "g"}], "FIELD": []}, "status": {"parents": []}}]}`
	o, rest, err := ReadCluster("a cluster", strings.NewReader(strings.Replace(list, "FIELD", "hostnames", 1)))
	if err != nil || len(rest.Limits) > 0 || len(o.HTTPRoutes) != 1 || o.HTTPRoutes[0].Created.IsZero() {
		t.Errorf("got %+v, limits %v, error %v, want the route with its time", o.HTTPRoutes, rest.Limits, err)
	}
	if _, _, err := ReadCluster("a cluster", strings.NewReader(strings.Replace(list, "FIELD", "hostname", 1))); err == nil || !strings.Contains(err.Error(), "spec.hostname: unknown field") {
		t.Errorf("got %v, want the unknown field of the specification", err)
	}
}
