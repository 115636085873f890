package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// stranger is a bouncer of ours that no policy names: it calls the endpoint of each request, and returns the response.
const stranger = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: stranger, namespace: NAMESPACE}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: stranger, namespace: NAMESPACE, labels: {app: stranger}}
spec:
  selector: {matchLabels: {app: stranger}}
  template:
    metadata: {labels: {app: stranger, version: prod}}
    spec:
      serviceAccountName: stranger
      terminationGracePeriodSeconds: 1
      securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: app
          image: localhost:5001/hopline/bounced:dev
          ports: [{name: http, containerPort: 8080}]
          env: [{name: BOUNCE_ALLOW, value: "*,*.svc.cluster.local,*.external.kind.org,*.hopline-outside,worldtimeapi.org"}]
          readinessProbe: {httpGet: {path: /readyz, port: 8081}, periodSeconds: 1}
          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`

// meet starts a stranger in a namespace and returns a function that makes it call an endpoint, and returns the status code and body that it
// got.
func meet(t *testing.T, namespace string) func(endpoint string) (int, string) {
	t.Helper()
	apply(t, strings.ReplaceAll(stranger, "NAMESPACE", namespace))
	run(t, "kubectl", "rollout", "status", "-n", namespace, "deployment/stranger", "--timeout=120s")
	base := forward(t, namespace, "deployment/stranger", "8080")
	return func(endpoint string) (int, string) {
		t.Helper()
		a, err := ask("POST", base+"/bounce", `{"rebound":"true","endpoint":"`+endpoint+`"}`)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(a.body, "BOUNCE_ALLOW") {
			t.Fatalf("the stranger itself rejects the call: %s", a.body)
		}
		if a.code != 200 {
			return a.code, a.body // the stranger itself could not reach the endpoint
		}
		var got struct {
			StatusCode int
			Body       string
		}
		if err := json.Unmarshal([]byte(a.body), &got); err != nil {
			t.Fatalf("%v in %s", err, a.body)
		}
		return got.StatusCode, got.Body
	}
}

// strangers: a caller inside the mesh that no AuthorizationPolicy names gets 403, and one without a certificate gets no connection.
func strangers(t *testing.T) {
	inside := meet(t, "hopline")
	for _, host := range []string{"http://front/hello", "http://middle/hops", "http://core/hops", "http://clock/time", "http://minimal:9090/", "http://bounced:9090/"} {
		if code, body := inside(host); code != 403 {
			t.Errorf("a stranger in the mesh calls %s: %d %s, want 403", host, code, body)
		}
	}
	if code, body := inside("http://worldtimeapi.org/api/timezone/Asia/Jakarta"); code != 200 {
		t.Errorf("worldtimeapi.org, which only a ServiceEntry and DNS capture name: %d %s", code, body)
	}
	apply(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: hopline-e2e}\n")
	outside := meet(t, "hopline-e2e")
	if code, body := outside("http://front.hopline.svc.cluster.local/hello"); code != 502 {
		t.Errorf("plain text from outside the mesh: %d %s, want 502: the connection is refused", code, body)
	}
}

// wayOut: with the overlay egress the world outside is reachable only through the gateway.
func wayOut(t *testing.T) {
	inside := meet(t, "hopline")
	since := time.Now().UTC().Format(time.RFC3339)
	for _, endpoint := range []string{"http://worldtimeapi.org/api/timezone/Asia/Jakarta", "http://minimal.external.kind.org:9090/e2e"} {
		if code, body := inside(endpoint); code != 200 {
			t.Errorf("%s: %d %s", endpoint, code, body)
		}
	}
	for _, endpoint := range []string{"http://worldtimeapi.hopline-outside/", "http://minimal.hopline-outside:9090/"} {
		if code, body := inside(endpoint); code != 502 {
			t.Errorf("%s, around the gateway: %d %s, want 502", endpoint, code, body)
		}
	}
	eventually(t, 20*time.Second, func() error {
		log := run(t, "kubectl", "logs", "-n", "istio-system", "deployment/istio-egressgateway", "--since-time="+since)
		return contains(log, `"authority":"worldtimeapi.org"`, `"authority":"minimal.external.kind.org:9090"`, `"path":"/e2e"`)
	})
}
