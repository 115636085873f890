package proxy

import (
	"net/http"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/urlpath"
)

// denied is Envoy's response body for a request that an AuthorizationPolicy denies.
const denied = "RBAC: access denied"

// inboundText holds the bodies of a sidecar's own responses, by status.
var inboundText = map[int]string{http.StatusForbidden: denied}

// hasSidecar reports whether the host has a sidecar.
func (h *host) hasSidecar(rules Rules) bool {
	return h.pod != nil && !h.pod.NoSidecar && !rules.NoMesh()
}

// inbound applies the host's sidecar to a request from a source, whose path is as it was sent: it normalizes the path, which a rewrite or a
// caller without a sidecar may have left as it was, and checks the policies. It sets the request's path and port to those that the program
// sees. A status other than 0 is the sidecar's own response. Without a sidecar it does nothing.
func (h *host) inbound(rules Rules, from *mesh.Source, req *mesh.Request) (status int) {
	if !h.hasSidecar(rules) {
		return 0
	}
	path, ok := urlpath.Normalize(req.Path)
	if !ok {
		return http.StatusBadRequest
	}
	req.Path, req.Port = path, h.port
	if ok, _ := rules.Authorize(from, &h.pod.Source, req); !ok {
		return http.StatusForbidden
	}
	return 0
}
