package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// echo returns a workload in the form of deploy/base, with its Service: the echo under the given name.
func echo(name string) string {
	return strings.ReplaceAll(`---
apiVersion: v1
kind: ServiceAccount
metadata: {name: NAME, namespace: hopline}
---
apiVersion: v1
kind: Service
metadata:
  name: NAME
  namespace: hopline
  labels: {app: NAME}
spec:
  selector: {app: NAME}
  ports:
    - {name: http, port: 80, targetPort: http}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: NAME
  namespace: hopline
  labels: {app: NAME, version: prod}
spec:
  selector:
    matchLabels: {app: NAME}
  template:
    metadata:
      labels: {app: NAME, version: prod}
    spec:
      serviceAccountName: NAME
      containers:
        - name: app
          image: localhost:5001/hopline/bounced:dev
          ports:
            - {name: http, containerPort: 8080}
            - {name: http-admin, containerPort: 8081}
`, "NAME", name)
}

// around holds the namespace and the gateway of every overlay here.
const around = `apiVersion: v1
kind: Namespace
metadata:
  name: hopline
  labels: {istio-injection: enabled}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: hopline, namespace: hopline}
spec:
  selector: {istio: ingressgateway}
  servers:
    - port: {name: http, number: 80, protocol: HTTP}
      hosts: ["*"]
`

// routesPerHost is the number of routes in one VirtualService.
const routesPerHost = 20

// hostsOf returns how many VirtualServices, and hosts, n routes need.
func hostsOf(n int) int { return (n + routesPerHost - 1) / routesPerHost }

// virtualServices returns n routes from the gateway to one workload, in VirtualServices with one host each. A host's routes match prefixes,
// exact paths and headers in turn; its last one matches the rest. Their requests carry a header with the revision of the rules.
func virtualServices(n int, to, revision string) string {
	var text strings.Builder
	for i := range n {
		h, nth := i/routesPerHost, i%routesPerHost
		if nth == 0 {
			fmt.Fprintf(&text, `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: rule-%d, namespace: hopline}
spec:
  gateways: [hopline]
  hosts: [%s]
  http:
`, h, host(h))
		}
		match := [...]string{
			fmt.Sprintf("{uri: {prefix: /part-%d/}}", nth),
			fmt.Sprintf("{uri: {exact: /page-%d}}", nth),
			fmt.Sprintf("{headers: {x-dev-user: {exact: user-%d}}}", nth),
		}[nth%3]
		if nth == routesPerHost-1 || i == n-1 {
			match = "{uri: {prefix: /}}"
		}
		fmt.Fprintf(&text, `    - match: [%s]
      headers: {request: {set: {x-revision: %q}}}
      route: [{destination: {host: %s, port: {number: 80}}}]
`, match, revision, to)
	}
	return text.String()
}

// overlay writes files, each with its text, into a new folder as an overlay.
func (b *bench) overlay(files map[string]string) (dir string, err error) {
	if dir, err = os.MkdirTemp(b.work, "overlay-"); err != nil {
		return "", err
	}
	kustomization := "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n"
	for name, text := range files {
		kustomization += "  - " + name + "\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	return dir, os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(kustomization), 0o644)
}
