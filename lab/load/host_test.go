package load

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/internal/usage"
)

// TestUnknownHost checks that no load is sent to a host that this machine does not find. No name service has names of the domain onion
// (RFC 7686), and package net queries none for them.
func TestUnknownHost(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"kustomization.yaml": "resources: [all.yaml]\n",
		"all.yaml": `{apiVersion: v1, kind: Namespace, metadata: {name: onion}}
---
{apiVersion: v1, kind: Service, metadata: {name: shop, namespace: onion}, spec: {selector: {app: shop}, ports: [{name: http, port: 80, targetPort: http}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: onion}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: app, image: front, ports: [{name: http, containerPort: 8080}]}]}
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for address, inside := range map[string]bool{"http://shop.onion/hops": true, "http://other.onion/": false} {
		c, err := parse(t, address, "--overlay", dir)
		if err != nil {
			t.Fatal(err)
		}
		err = c.Execute(t.Context(), Output{})
		if !usage.Is(err) || !strings.HasPrefix(err.Error(), `URL "`+address+`": want a host that this machine finds`) ||
			strings.Contains(err.Error(), "; shop.onion is a host inside the mesh: hopline curl --from WORKLOAD sends") != inside {
			t.Errorf("%s: %v, inside: %t", address, err, inside)
		}
		e, _, err := c.expectation(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for host, want := range map[string]bool{"shop": true, "shop.onion": true, "shop.onion.svc": true, "shop.onion.svc.cluster.local": true, "shop.other": false, "localhost": false} {
			if got := e.inside(host); got != want {
				t.Errorf("inside(%s) is %t", host, got)
			}
		}
	}
}
