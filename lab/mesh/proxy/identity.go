package proxy

import (
	"cmp"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh"
)

// identity holds the names of a workload in metrics and spans.
type identity struct {
	workload, namespace, principal, app, version, canonical, revision string
}

const unknown = "unknown"

// identify names a source as Istio's telemetry does. The canonical service is the label of that name, or app.kubernetes.io/name, or app, or
// the workload's name. The revision is found in the same way; "latest" is the default.
func identify(s *mesh.Source) identity {
	id := identity{
		workload: s.Workload, namespace: s.Namespace, principal: unknown, app: unknown, version: unknown,
		canonical: cmp.Or(s.Labels[istio.CanonicalNameLabel], s.Labels["app.kubernetes.io/name"], s.Labels["app"], s.Workload),
		revision: cmp.Or(s.Labels[istio.CanonicalRevisionLabel], s.Labels["app.kubernetes.io/version"], s.Labels["version"],
			"latest"),
	}
	if s.Principal != "" {
		id.principal = "spiffe://" + s.Principal
	}
	if v := s.Labels["app"]; v != "" {
		id.app = v
	}
	if v := s.Labels["version"]; v != "" {
		id.version = v
	}
	return id
}
