package proxy

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/mesh"
)

func addresses(e *endpoints) string {
	var list []string
	for _, a := range e.list {
		list = append(list, a.address)
	}
	return strings.Join(list, " ")
}

func TestEndpoints(t *testing.T) {
	t.Parallel()
	ready, starting, elsewhere, canary, portless := podOf("middle", "a", "127.0.0.1:1"), podOf("middle", "b", "127.0.0.1:2"), podOf("middle", "c", "127.0.0.1:3"),
		podOf("middle", "d", "127.0.0.1:4"), podOf("middle", "e", "127.0.0.1:5")
	starting.Ready = false
	elsewhere.Namespace = "other"
	canary.Labels = map[string]string{"app": "middle", "version": "canary"}
	portless.Ports, portless.Names = nil, nil
	var pods []*pod
	for _, p := range []mesh.Pod{canary, ready, starting, elsewhere, portless} {
		pods = append(pods, newPod(&p))
	}
	all, subset, named := service("middle"), service("middle"), service("middle")
	subset.Selector = map[string]string{"app": "middle", "version": "canary"}
	named.Target, named.TargetName = 0, "http"
	static := &mesh.Cluster{Addresses: []string{"127.0.0.1:9", "[::1]:9"}}
	far := &mesh.Cluster{Host: "far", Addresses: []string{"127.0.0.1:9", "10.0.0.1:80"}}
	names := &mesh.Cluster{DNS: true, Addresses: []string{"a.example:80"}}
	gateway, broken := &mesh.Cluster{Gateway: "istio-egressgateway", GatewayPort: 80}, &mesh.Cluster{Gateway: "none"}
	s := newState(&rules{clusters: []*mesh.Cluster{all, subset, named, static, far, names, gateway, broken}}, pods, func(name string, port int) (string, error) {
		if name == "none" {
			return "", errors.New("none such")
		}
		return "127.0.0.1:8", nil
	})
	for _, c := range []struct {
		name    string
		cluster *mesh.Cluster
		want    string
		fault   string
	}{
		{"ready pods of the namespace, by name", all, "127.0.0.1:1 127.0.0.1:4", ""},
		{"subset", subset, "127.0.0.1:4", ""},
		{"port by name", named, "127.0.0.1:1 127.0.0.1:4", ""},
		{"addresses", static, "127.0.0.1:9 [::1]:9", ""},
		{"an address off this machine", far, "127.0.0.1:9", "10.0.0.1:80"},
		{"names wait for a request", names, "", ""},
		{"gateway", gateway, "127.0.0.1:8", ""},
		{"gateway without a listener", broken, "", "none such"},
	} {
		e := s.endpoints[c.cluster]
		if got := addresses(e); got != c.want || (c.fault == "") != (e.fault == "") || !strings.Contains(e.fault, c.fault) {
			t.Errorf("%s: %q, fault %q, want %q, %q", c.name, got, e.fault, c.want, c.fault)
		}
	}
	if e := s.endpoints[names]; !slices.Equal(e.names, []string{"a.example:80"}) {
		t.Errorf("names %v", e.names)
	}
}

// TestEndpointsAreKept compares endpoints of two states, so that a swap that changes nothing touches no cluster.
func TestEndpointsAreKept(t *testing.T) {
	t.Parallel()
	with := func(c *mesh.Cluster, pods ...mesh.Pod) *state {
		var known []*pod
		for _, p := range pods {
			known = append(known, newPod(&p))
		}
		return newState(&rules{clusters: []*mesh.Cluster{c}}, known, nil)
	}
	a, b := service("middle"), service("middle")
	old := with(a, podOf("middle", "a", "127.0.0.1:1"))
	same := with(b, podOf("middle", "a", "127.0.0.1:1"))
	same.keep(old)
	if same.endpoints[b] != old.endpoints[a] {
		t.Error("equal endpoints were not reused")
	}
	for name, other := range map[string]*state{
		"another address": with(b, podOf("middle", "a", "127.0.0.1:2")),
		"another pod":     with(b, podOf("middle", "b", "127.0.0.1:1")),
		"no pod":          with(b),
	} {
		other.keep(old)
		if other.endpoints[b] == old.endpoints[a] {
			t.Errorf("%s: treated as equal", name)
		}
	}
}
