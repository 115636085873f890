package main

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/mesh/proxy"
)

// TestAnEjectionIsSeen runs overlay outlier with shorter times. The ejection of the failing pod and its end are shown in the terminal, on
// the console, at /pods and in the metrics, and no caller sends requests to a pod that it has ejected.
func TestAnEjectionIsSeen(t *testing.T) {
	t.Parallel()
	s := start(t, "outlier", func(deploy string) {
		rule := filepath.Join(deploy, "overlays/outlier/ejection.yaml")
		edit(t, rule, "interval: 2s", "interval: 1s")
		edit(t, rule, "baseEjectionTime: 20s", "baseEjectionTime: 6s")
	})
	screen := func(pattern string) bool { return regexp.MustCompile(pattern).MatchString(s.screen.String()) }
	s.waitFor("the ejection", func() bool {
		_ = s.get("Page", "/hops")
		return screen(`(?m)^! middle-\w+: ejects core-sick-\S+ for [67] s after 3 errors in a row$`)
	})

	var running current.Lab
	if err := json.Unmarshal([]byte(s.get("Console", "/pods").body), &running); err != nil {
		t.Fatal(err)
	}
	onConsole := s.ejections()
	for where, list := range map[string][]proxy.Ejection{"/pods": running.Ejections, "the console": onConsole} {
		if len(list) == 0 || !strings.HasPrefix(list[0].Pod, "core-sick-") || !strings.HasPrefix(list[0].Workload, "middle-") || list[0].Times != 1 ||
			list[0].Cluster != "outbound|80|prod|core.hopline.svc.cluster.local" {
			t.Errorf("%s says %+v, want core-sick in its first ejection", where, list)
		}
	}
	metrics := s.get("Console", "/metrics").body
	for _, name := range []string{"ejections_active", "ejections_enforced_total"} {
		line := regexp.MustCompile(`(?m)^envoy_cluster_outlier_detection_` + name + `\{cluster_name="outbound\|80\|prod\|core[^"]*",namespace="hopline",workload="middle-\w+"\} 1`)
		if !line.MatchString(metrics) {
			t.Errorf("/metrics has no line of %s:\n%s", name, regexp.MustCompile(`(?m)^.*ejections.*$`).FindAllString(metrics, -1))
		}
	}

	heal(t, running)
	s.waitFor("the return", func() bool { return screen(`(?m)^middle-\w+: core-sick-\S+ is back$`) })
	s.waitFor("an end of all ejections", func() bool { return len(s.ejections()) == 0 })
	for range 40 {
		if a := s.get("Page", "/hops"); a.status != http.StatusOK {
			t.Fatalf("with the healed pod back: status %d", a.status)
		}
	}
}

// ejections returns the ejections that the console shows.
func (s *suite) ejections() []proxy.Ejection {
	s.t.Helper()
	var state struct{ Ejections []proxy.Ejection }
	if err := json.Unmarshal([]byte(s.get("Console", "/api/state").body), &state); err != nil {
		s.t.Fatal(err)
	}
	return state.Ejections
}

// heal removes the fault from core-sick, as in docs/overlays.md.
func heal(t *testing.T, running current.Lab) {
	t.Helper()
	for _, p := range running.Pods {
		if p.Workload != "core-sick" {
			continue
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+p.Admin+"/faults", strings.NewReader(`{"error_rate":0}`))
		if err != nil {
			t.Fatal(err)
		}
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		response, err := client.Do(request)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("healing core-sick: %v, %v", response, err)
		}
		response.Body.Close()
		return
	}
	t.Fatal("there is no core-sick")
}
