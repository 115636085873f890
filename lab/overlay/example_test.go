package overlay_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hopline/hopline/lab/overlay"
)

const kustomization = `
resources: [service.yaml, deployment.yaml]
labels: [{pairs: {owner: me}, includeTemplates: true}]
`

const service = `
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{name: http, port: 80, targetPort: 8080}]}
`

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: shop, image: shop, ports: [{containerPort: 8080}]}]}
`

func ExampleLoad() {
	dir, err := os.MkdirTemp("", "overlay")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	for name, text := range map[string]string{"kustomization.yaml": kustomization, "service.yaml": service, "deployment.yaml": deployment} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			fmt.Println(err)
			return
		}
	}

	o, err := overlay.Load(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range o.Deployments {
		fmt.Println(d, "with", d.Replicas, "replicas, owner", d.Pod.Labels["owner"])
	}
	// Output: Deployment default/shop with 2 replicas, owner me
}

// All mistakes are reported together.
func ExampleRead() {
	manifest := `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop.example.com]
  http:
  - timeout: 3
    route: [{destination: {host: cart.example.com}, wieght: 80}]
`
	_, _, err := overlay.Read([]string{"-"}, strings.NewReader(manifest))
	fmt.Println(err)
	// Output:
	// -:9: VirtualService default/shop: spec.http[0].route[0].wieght: unknown field; did you mean weight?
	// -:8: VirtualService default/shop: spec.http[0].timeout: want a duration like 1h, 1m, 1s or 1ms, got the number 3
}
