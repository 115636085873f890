package fidelity

import "strings"

// services is the number of Services of the standard world that have their own rules at a time.
const services = 10

// standardWorld returns the world of corner cases and generated rules: Services svc0 … svc9 on ports 80 and 9090, each with a workload of
// version v1 and v2 and one, v0, without pods; a Service of the same name in another namespace; a caller in each.
func standardWorld() string {
	var b strings.Builder
	workload := func(namespace, app, version, replicas string) {
		b.WriteString(strings.NewReplacer("NAMESPACE", namespace, "APP", app, "VERSION", version, "REPLICAS", replicas).Replace(`---
apiVersion: apps/v1
kind: Deployment
metadata: {name: APP-VERSION, namespace: NAMESPACE}
spec:
  replicas: REPLICAS
  selector: {matchLabels: {app: APP, version: VERSION}}
  template:
    metadata: {labels: {app: APP, version: VERSION}}
    spec:
      containers: [{name: app, image: "echo:dev", ports: [{name: http, containerPort: 8080}]}]
`))
	}
	service := func(namespace, name string) {
		b.WriteString(strings.NewReplacer("NAMESPACE", namespace, "NAME", name).Replace(`---
apiVersion: v1
kind: Service
metadata: {name: NAME, namespace: NAMESPACE}
spec:
  selector: {app: NAME}
  ports: [{name: http, port: 80, targetPort: http}, {name: http-alt, port: 9090, targetPort: 8080}]
`))
	}
	for _, namespace := range []string{"app", "other"} {
		b.WriteString("---\napiVersion: v1\nkind: Namespace\nmetadata: {name: " + namespace + "}\n")
	}
	workload("app", "client", "v1", "1")
	workload("other", "visitor", "v1", "1")
	workload("other", "svc0", "v9", "1")
	service("other", "svc0")
	for i := range services + 1 {
		name := "svc" + string(rune('0'+i))
		if i == services {
			name = "mirror" // the target of copies
		}
		service("app", name)
		workload("app", name, "v0", "0")
		workload("app", name, "v1", "1")
		workload("app", name, "v2", "1")
	}
	return b.String()
}

// The callers of the standard world.
const (
	client  = "client-v1"
	visitor = "visitor-v1"
)

// subsets returns a DestinationRule that names the versions of a Service.
func subsets(service string) string {
	return strings.ReplaceAll(`
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: NAME, namespace: app}
spec:
  host: NAME
  subsets: [{name: v0, labels: {version: v0}}, {name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
`, "NAME", service)
}

// gateway accepts hosts at the ingress.
const gateway = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gateway, namespace: app}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {name: http, number: 80, protocol: HTTP}, hosts: ["*"]}]
`
