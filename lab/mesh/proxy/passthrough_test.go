package proxy

import (
	"net/http"
	"testing"

	"github.com/hopline/hopline/lab/mesh"
)

// TestPassthrough: what outboundTrafficPolicy ALLOW_ANY passes on arrives without the caller's identity, at a pod or at the host that the
// request names.
func TestPassthrough(t *testing.T) {
	t.Parallel()
	up, outside := newEcho(t, "middle"), newEcho(t, "outside")
	pods, original := service("middle"), &mesh.Cluster{Name: "PassthroughCluster", Host: "PassthroughCluster", Known: true, Original: true, Passthrough: true}
	pods.Name, pods.Passthrough = "PassthroughCluster", true
	table := toRoute(routeTo(pods, original))
	route := table.decide(nil, nil).Route
	known := make(chan bool, 1)
	table.decide = func(r *mesh.Request, _ *mesh.Source) mesh.Decision {
		d := mesh.Decision{Outcome: mesh.Forward, Route: route, To: &route.Destinations[0]}
		if r.Authority != "middle" {
			d.To = &route.Destinations[1]
		}
		return d
	}
	table.authorize = func(from, _ *mesh.Source, _ *mesh.Request) bool {
		known <- from != nil
		return true
	}
	b := newBench(t, Options{}, table, podOf("middle", "middle-1", up.address()))
	b.get("http://middle/a").want(t, http.StatusOK, "middle /a ")
	if receive(t, "the authorization", known) {
		t.Error("the destination knows the caller")
	}
	b.get("http://"+outside.address()+"/b").want(t, http.StatusOK, "outside /b ")
}
