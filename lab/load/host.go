package load

import (
	"context"
	"errors"
	"net"
	"net/url"
	"slices"

	"github.com/hopline/hopline/lab/internal/usage"
	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
)

// findHost checks that the name service of this machine has the host of a URL: otherwise each request of the run would fail. The error, one of
// package usage, names the way to a host inside the mesh. e is nil without an overlay.
func (e *expectation) findHost(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return usage.Error(err)
	}
	found, err := net.DefaultResolver.LookupHost(ctx, u.Hostname())
	var failed *net.DNSError
	if len(found) > 0 || err != nil && !(errors.As(err, &failed) && failed.IsNotFound) { // each request reports another error
		return nil
	}
	hint := ""
	if e.inside(u.Hostname()) {
		hint = "; " + u.Hostname() + " is a host inside the mesh: hopline curl --from WORKLOAD sends a request from there, and load enters at the ingress gateway, as with " + DefaultURL
	}
	return usage.Errorf("URL %q: want a host that this machine finds%s", address, hint)
}

// inside reports whether a Service of the overlay has a host, in one of the forms that workloads use.
func (e *expectation) inside(host string) bool {
	if e == nil {
		return false
	}
	name, namespace, qualified := istio.ServiceOf(host)
	return slices.ContainsFunc(e.overlay.Services, func(s overlay.Service) bool {
		return s.Name == host || qualified && s.Name == name && s.Namespace == namespace
	})
}
