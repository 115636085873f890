package istio

import "testing"

// The cases are taken from the tests of resolveGatewayName in Istio.
func TestGatewayName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"mesh": "mesh", "gw": "one/gw", "two/gw": "two/gw", "./gw": "one/gw", "gw.two": "two/gw", "gw.two.svc.cluster.local": "two/gw",
	} {
		if got := GatewayName(name, "one"); got != want {
			t.Errorf("GatewayName(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestServerHost(t *testing.T) {
	t.Parallel()
	for entry, want := range map[string][2]string{
		"a.test": {"*", "a.test"}, "*/a.test": {"*", "a.test"}, "./a.test": {"one", "a.test"}, "two/*": {"two", "*"},
	} {
		owner, host := ServerHost(entry, "one")
		if got := [2]string{owner, host}; got != want {
			t.Errorf("ServerHost(%q) = %q, want %q", entry, got, want)
		}
	}
}

func TestGatewayPorts(t *testing.T) {
	t.Parallel()
	for service, target := range map[int]int{80: 8080, 443: 8443, 31400: 31400} {
		if GatewayTarget(service) != target || GatewayServicePort(target) != service || GatewayServicePort(service) != service {
			t.Errorf("port %d: got %d and back %d", service, GatewayTarget(service), GatewayServicePort(target))
		}
	}
}
