package main

import (
	"path/filepath"
	"regexp"
	"testing"
)

// copiesCountAndAreNotTraced mirrors all requests for middle to middle-dev. The sidecar of middle-dev counts the copies, and the trace of
// the request does not contain them.
func copiesCountAndAreNotTraced(t *testing.T, s *suite) {
	middle := filepath.Join(s.deploy, "overlays/canary/middle.yaml")
	const plain, mirrored = "    - name: everybody\n", "    - name: everybody\n      mirror: {host: middle, subset: dev, port: {number: 80}}\n"
	revision := s.state().Revision
	edit(t, middle, plain, mirrored)
	s.waitFor("the mirror", func() bool { return s.state().Revision > revision })

	id := s.get("Page", "/hops").header.Get("x-b3-traceid")
	copies := regexp.MustCompile(`(?m)^istio_requests_total\{[^}]*destination_workload="middle-dev",[^}]*reporter="destination",[^}]*response_code="200",[^}]*source_app="front"[^}]*\} [1-9]`)
	s.waitFor("the copy's count", func() bool { return copies.MatchString(s.get("Console", "/metrics").body) })
	servers := map[string]int{}
	for _, sp := range s.trace(id, 3) {
		if sp.Kind == "SERVER" {
			servers[sp.LocalEndpoint.ServiceName]++
		}
	}
	if servers["middle"] != 1 || servers["core"] != 1 {
		t.Errorf("server spans %v, want one of middle and one of core: a copy is not traced", servers)
	}
	revision = s.state().Revision
	edit(t, middle, mirrored, plain)
	s.waitFor("the end of the mirror", func() bool { return s.state().Revision > revision })
}
