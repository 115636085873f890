package fidelity

import (
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// callers are the workloads whose calls are compared in every shipped overlay, and their targets.
var callers = map[string][]string{
	ingress:       {"localhost/demo-app/hops", "localhost/demo-app/", "localhost/demo-app", "localhost/demo-appendix", "any.example/demo-app/a/b?c=d", "localhost/", "minimal.svc.kind.org/x", "bounced.svc.kind.org/health"},
	"front-amber": {"middle/hops", "middle/slow-endpoint", "middle.hopline/hops", "middle.hopline.svc.cluster.local:80/hops"},
	"middle-prod": {"core/hops", "core/fast-endpoint"},
	"core-prod":   {"worldtimeapi.org/api/timezone/Asia/Jakarta", "clock/time"},
	"bounced":     {"minimal:9090/", "bounced:9090/", "minimal.external.kind.org:9090/x"},
}

// TestShipped compares the engines on every shipped overlay, for every user that its rules distinguish.
func TestShipped(t *testing.T) {
	dirs, err := filepath.Glob("../../deploy/overlays/*")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no overlays: %v", err)
	}
	for _, dir := range dirs {
		name := filepath.Base(dir)
		if name == "plain" {
			continue // no mesh: there is no Istio to compare with
		}
		t.Run(name, func(t *testing.T) {
			rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
			if err != nil {
				t.Fatal(err)
			}
			text, err := rendered.AsYaml()
			if err != nil {
				t.Fatal(err)
			}
			b, err := newBench(string(text), *envoyBinary)
			if err != nil {
				t.Fatal(err)
			}
			defer b.close()
			if err := b.apply(b.world.rules); err != nil {
				t.Fatal(err)
			}
			compared := 0
			for from, targets := range callers {
				if err := b.from(from); err != nil {
					t.Fatal(err)
				}
				requests := shippedRequests(name, from, targets)
				compared += len(requests)
				for _, d := range b.compare(requests) {
					t.Errorf("%s\n  %s", d.curl(), strings.Join(d.differ, "\n  "))
				}
			}
			t.Logf("%d requests compared", compared)
			if check := shippedEffects[name]; check != nil {
				check(t, b)
			}
		})
	}
}

// shippedRequests returns a caller's requests to the hosts of an overlay, for every user that rules distinguish, with and without failures.
func shippedRequests(overlay, from string, targets []string) (all []request) {
	for _, to := range targets {
		if overlay == "egress" && outside(to) {
			continue // through the egress gateway and its mutual TLS: only a cluster can test it
		}
		for _, user := range []string{"", "nobody", "betaUser", "stressTest", "betaUser2"} {
			authority, path, _ := strings.Cut(to, "/")
			r := request{from: from, method: "GET", authority: authority, path: "/" + path}
			if overlay == "fault" && user == "betaUser" && from == "front-amber" {
				continue // aborted by chance: shippedEffects compares the share
			}
			if user != "" {
				r = r.with("x-dev-user", user)
			}
			for _, status := range []string{"200", "500", "503"} {
				if overlay == "outlier" && status != "200" {
					continue // ejection depends on how often each was called; chance_test.go compares it
				}
				if status != "200" && user != "" && user != "betaUser" {
					continue // failures do not depend on the user
				}
				all = append(all, r.with(statusHeader, status))
			}
		}
	}
	return all
}

func outside(to string) bool {
	return strings.HasPrefix(to, "worldtimeapi.org/") || strings.HasPrefix(to, "minimal.external.kind.org:")
}
