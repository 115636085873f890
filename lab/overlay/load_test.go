package overlay

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/internal/shipped"
)

func TestLoadDecodesEveryKind(t *testing.T) {
	t.Parallel()
	o := load(t, "testdata/good")
	counts := map[string]int{
		"Namespaces": len(o.Namespaces), "ServiceAccounts": len(o.ServiceAccounts), "ConfigMaps": len(o.ConfigMaps),
		"Services": len(o.Services), "Deployments": len(o.Deployments), "VirtualServices": len(o.VirtualServices),
		"DestinationRules": len(o.DestinationRules), "Gateways": len(o.Gateways), "ServiceEntries": len(o.ServiceEntries),
		"AuthorizationPolicies": len(o.AuthorizationPolicies), "NotEnforced": len(o.NotEnforced),
	}
	want := map[string]int{
		"Namespaces": 1, "ServiceAccounts": 1, "ConfigMaps": 1, "Services": 2, "Deployments": 1, "VirtualServices": 2,
		"DestinationRules": 1, "Gateways": 1, "ServiceEntries": 1, "AuthorizationPolicies": 1, "NotEnforced": 1,
	}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	if got, want := o.NotEnforcedLine(), "accepted but not enforced: PeerAuthentication (1), resources"; got != want {
		t.Errorf("line %q, want %q", got, want)
	}
}

// TestIstioKeysAreNamed checks that Istio's labels and annotations without an effect in the lab are reported.
func TestIstioKeysAreNamed(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write(t, filepath.Join(root, "kustomization.yaml"), "resources: [x.yaml]\n")
	write(t, filepath.Join(root, "x.yaml"), `
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio.io/dataplane-mode: ambient, istio.io/rev: x, team: a}}
---
apiVersion: v1
kind: Service
metadata: {name: a, namespace: shop, annotations: {networking.istio.io/exportTo: ".", ambient.istio.io/x: y}}
spec: {selector: {app: a}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: a, namespace: shop}
spec:
  selector: {matchLabels: {app: a}}
  template:
    metadata:
      labels: {app: a, sidecar.istio.io/inject: "true", service.istio.io/canonical-name: a}
      annotations: {sidecar.istio.io/inject: "true", proxy.istio.io/config: "{}", note: hello}
    spec: {containers: [{name: a, image: a, ports: [{containerPort: 80}]}]}
`)
	const want = "accepted but not enforced: annotation ambient.istio.io/x, annotation proxy.istio.io/config, label istio.io/dataplane-mode"
	if got := load(t, root).NotEnforcedLine(); got != want {
		t.Errorf("line %q, want %q", got, want)
	}
}

func TestLoadFillsDefaults(t *testing.T) {
	t.Parallel()
	d := load(t, "testdata/good").Deployments[0]
	want := Deployment{
		Meta:     Meta{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "hopline", Name: "middle-prod", Labels: map[string]string{"app": "middle"}},
		Replicas: 2, Selector: map[string]string{"app": "middle", "version": "prod"}, MaxSurge: "1", MaxUnavailable: "0",
		Pod: PodTemplate{
			Labels: map[string]string{"app": "middle", "version": "prod"}, Annotations: map[string]string{"note": "hello"},
			ServiceAccount: "middle", Grace: 50 * time.Second,
			Containers: []Container{{
				Name: "app", Image: "localhost:5001/hopline/middle:dev", Args: []string{"--log-format=text"},
				Env: []EnvVar{
					{Name: "LOG_LEVEL", Value: "debug"},
					{Name: "PRICE", Value: "$$(NOT_EXPANDED)"},
					{Name: "SERVICE_NAME", Field: "metadata.labels['app']"},
					{Name: "LEVEL", Value: "debug"},
					{Name: "NAME", Value: "$(SERVICE_NAME)-$(POD)-$$(POD)-$(NOBODY)"},
				},
				Ports:     []ContainerPort{{Name: "http", Number: 8080}, {Name: "http-admin", Number: 8081}},
				Readiness: &Probe{Path: "/readyz", Port: "http-admin", Period: 2 * time.Second, Timeout: time.Second, Successes: 1, Failures: 3},
				PreStop:   5 * time.Second,
			}},
		},
	}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("Deployment (-want +got):\n%s", diff)
	}
}

func TestLoadTakesDurationsAsIstioDoes(t *testing.T) {
	t.Parallel()
	for _, v := range load(t, "testdata/good").VirtualServices {
		if v.Name != "middle" {
			continue
		}
		rule := v.Spec.Http[0]
		if got := rule.Timeout.AsDuration(); got != time.Minute {
			t.Errorf("timeout 1m became %v", got)
		}
		if got := rule.Retries.PerTryTimeout.AsDuration(); got != 250*time.Millisecond {
			t.Errorf("perTryTimeout 250ms became %v", got)
		}
	}
}

func TestLoadNamesEveryFileItRead(t *testing.T) {
	t.Parallel()
	root := small(t)
	o := load(t, filepath.Join(root, "top"))
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range o.Files {
		rel, err := filepath.Rel(real, f)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, filepath.ToSlash(rel))
	}
	want := []string{"base/a.yaml", "base/kustomization.yaml", "top/b.yaml", "top/kustomization.yaml"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// BenchmarkLoad measures what loading a saved change costs.
func BenchmarkLoad(b *testing.B) {
	canary := shipped.Overlay(b, "canary")
	for b.Loop() {
		if _, err := Load(canary); err != nil {
			b.Fatal(err)
		}
	}
}
