package load

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/mesh"
)

const ownGateway = `apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, version: v1}}
    spec: {containers: [{name: app, image: web, ports: [{name: http, containerPort: 8080}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gw, namespace: shop}
spec: {selector: {istio: own}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec: {hosts: ["*"], gateways: [gw], http: [{route: [{destination: {host: web}}]}]}
`

// TestFirstHopBehindAnotherGateway: the requests enter where the Gateways of the files say.
func TestFirstHopBehindAnotherGateway(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "all.yaml")
	if err := os.WriteFile(file, []byte(ownGateway), 0o600); err != nil {
		t.Fatal(err)
	}
	o, table, err := mesh.LoadLenient([]string{file}, nil, func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	e, err := (&Command{URL: "http://localhost:8080/", Method: http.MethodGet}).expect(o, table)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[version]float64{{"web", "v1"}: 1}, e.first()); diff != "" {
		t.Errorf("shares of the first hop (-want +got):\n%s", diff)
	}
}
