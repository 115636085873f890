package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// anyPort replaces the ports of docker-compose.yaml with free ones of this machine: they may be in use.
const anyPort = `
services:
  front: {ports: !override ["127.0.0.1::8080"]}
  bounced: {ports: !override ["127.0.0.1::9090"]}
`

// TestCompose: without Kubernetes, the five services, each in a container, find each other and become healthy. The back ends' images are
// not pulled.
func TestCompose(t *testing.T) {
	t.Parallel()
	override := filepath.Join(t.TempDir(), "override.yaml")
	if err := os.WriteFile(override, []byte(anyPort), 0o600); err != nil {
		t.Fatal(err)
	}
	compose := func(args ...string) string {
		t.Helper()
		return run(t, append([]string{"docker", "compose", "-p", "hopline-e2e", "-f", "docker-compose.yaml", "-f", override, "--profile", "services"}, args...)...)
	}
	t.Cleanup(func() { compose("down", "--volumes", "--timeout", "1") })
	compose("up", "--build", "--wait", "--no-deps", "front", "middle", "core", "clock", "bounced")
	a, err := ask("GET", "http://"+strings.TrimSpace(compose("port", "front", "8080"))+"/hops", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := contains(a.body, "front-amber --getRespondFrom--> http://middle:8080/hops", "core-test --getRespondFrom--> http://clock:8080/time", "clock-prod at "); err != nil {
		t.Errorf("%d %s: %v", a.code, a.body, err)
	}
	a, err = ask("GET", "http://"+strings.TrimSpace(compose("port", "bounced", "9090"))+"/health", "")
	if err != nil || a.body != "Status OK\n" {
		t.Errorf("bounced: %d %q %v", a.code, a.body, err)
	}
}
