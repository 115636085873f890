package mesh

import (
	"maps"
	"slices"

	"github.com/hopline/hopline/lab/internal/nearest"
	"github.com/hopline/hopline/lab/istio"
)

// otherHost notes the host that a request was probably meant for, if nothing that its caller sees has the host of the request. At a gateway that
// may also be a host inside the mesh.
func (n *nearness) otherHost(e *Explanation) {
	if e.Outcome != NoHost && !(n.src.Gateway && e.Outcome == NoRoute) {
		return
	}
	known := map[string]bool{}
	for _, p := range n.table.view(n.src).ports {
		for name := range p.names {
			known[name] = true
		}
	}
	if n.src.Gateway {
		for _, s := range n.table.compiler.overlay.Services {
			known[s.Name], known[s.Name+"."+s.Namespace], known[istio.ServiceHost(s.Name, s.Namespace)] = true, true, true
		}
	}
	if !known[n.host] {
		if meant := nearest.DidYouMean(n.host, slices.Collect(maps.Keys(known))); meant != "" {
			n.add("nothing has the host %s%s", n.host, meant)
		}
	}
}
