package mesh

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/mesh/pathtemplate"
	"github.com/hopline/hopline/lab/overlay"
	security "istio.io/api/security/v1beta1"
)

// checkAccess rejects values of a rule that the lab does not support.
func checkAccess(o *overlay.Overlay, object, path string, r *security.Rule, report *overlay.Report) {
	for i, t := range r.GetTo() {
		at, op := fmt.Sprintf("%s.to[%d].operation", path, i), t.GetOperation()
		for _, p := range slices.Concat(op.GetPaths(), op.GetNotPaths()) {
			if pathtemplate.Is(p) && !pathtemplate.Valid(p) {
				report.Add(object, at+".paths", "Envoy rejects the template %q: want one that begins with / and has no //", p)
			}
		}
		checkAccessPorts(object, at+".ports", slices.Concat(op.GetPorts(), op.GetNotPorts()), report)
	}
	for i, f := range r.GetFrom() {
		checkAddresses(o, object, fmt.Sprintf("%s.from[%d].source", path, i), f.GetSource(), report)
	}
	for i, c := range r.GetWhen() {
		at := fmt.Sprintf("%s.when[%d]", path, i)
		if why := unsupportedKey(o, c.GetKey()); why != "" {
			report.Add(object, at, "%s", why)
		}
		if c.GetKey() == "destination.port" {
			checkAccessPorts(object, at, slices.Concat(c.GetValues(), c.GetNotValues()), report)
		}
	}
}

func checkAccessPorts(object, path string, ports []string, report *overlay.Report) {
	for _, p := range ports {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			report.Add(object, path, "want a port from 1 to 65535, got %q", p)
		}
	}
}

// addressUnknown is the reason why a condition on an address cannot be evaluated for objects that only a cluster runs.
const addressUnknown = "the addresses of callers and pods are known only where they run"

// knowsAddresses reports whether the lab runs the overlay: then every address is known.
func knowsAddresses(o *overlay.Overlay) bool { return !o.Lenient || o.Lenience != nil }

// checkAddresses rejects ranges of addresses in objects that only a cluster runs.
func checkAddresses(o *overlay.Overlay, object, path string, s *security.Source, report *overlay.Report) {
	if knowsAddresses(o) {
		return
	}
	for _, l := range []struct {
		field string
		set   bool
	}{{"ipBlocks", s.GetIpBlocks() != nil}, {"notIpBlocks", s.GetNotIpBlocks() != nil}, {"remoteIpBlocks", s.GetRemoteIpBlocks() != nil}, {"notRemoteIpBlocks", s.GetNotRemoteIpBlocks() != nil}} {
		if l.set {
			report.Add(object, path+"."+l.field, "%s", addressUnknown)
		}
	}
}

// unsupportedKey returns why the lab does not support a key of when; empty if it does.
func unsupportedKey(o *overlay.Overlay, key string) string {
	switch header := headerOfKey(key); {
	case strings.HasPrefix(key, "request.auth."):
		return key + " is not supported by the lab: it checks no tokens"
	case strings.HasPrefix(key, "experimental."):
		return key + " is not supported by the lab: it has no metadata of Envoy's filters"
	case setByProxies(header):
		return fmt.Sprintf("the header %s is not supported by the lab: the proxies of the mesh set it themselves", header)
	case strings.HasSuffix(key, ".ip") && !knowsAddresses(o):
		return addressUnknown
	}
	return ""
}
