package main

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// TestSettings runs one lab with settings that do not depend on each other: of the exporter of spans, of the output in the terminal, and by
// minimal-service's own names.
func TestSettings(t *testing.T) {
	t.Parallel()
	s := start(t, "canary", func(deploy string) {
		edit(t, filepath.Join(deploy, "components/every-pod/pod.yaml"), "            - {name: LOG_FORMAT, value: json}\n",
			"            - {name: LOG_FORMAT, value: json}\n            - {name: OTEL_TRACES_EXPORTER, value: otlp}\n            - {name: OTEL_PROPAGATORS, value: \"b3multi,tracecontext\"}\n")
		edit(t, filepath.Join(deploy, "overlays/canary/kustomization.yaml"), "components/disruption\n", "components/disruption\n  - ../../components/seeds\n")
		edit(t, filepath.Join(deploy, "components/seeds/names.yaml"), `DELAY_MAX, value: "0"`, `DELAY_MAX, value: "3"`)
	}, "--logs", "--log-format=json")
	t.Run("OTLP and trace context make one trace too", func(t *testing.T) { oneTraceToTheClock(t, s.in(t)) })
	t.Run("logs are followed harmlessly", func(t *testing.T) { logsAreFollowedHarmlessly(s.in(t)) })
	t.Run("the seeds' names", func(t *testing.T) { seedsNames(s.in(t)) })
}

func logsAreFollowedHarmlessly(s *suite) {
	s.get("Page", "/hops?x=%1b%5b31m", "User-Agent", "red")
	s.waitFor("a line of each hop", func() bool {
		text := s.screen.String()
		return regexp.MustCompile(`(?m)^front-\w+-\w+-\w+ \| \{`).MatchString(text) && regexp.MustCompile(`(?m)^core-prod-\w+-\w+ \| \{`).MatchString(text)
	})
	if strings.Contains(s.screen.String(), "\x1b") {
		s.t.Error("an escape character reached an output that is not a terminal")
	}
}

// seedsNames: with the component seeds, minimal-service's own names configure bounced and minimal.
func seedsNames(s *suite) {
	for workload, want := range map[string]string{
		"hopline/bounced":    `{"error_rate":70,"drop_rate":0,"latency":"0s-3s"}`,
		"hopline/minimal-v1": `{"error_rate":0,"drop_rate":0,"latency":"0s-3s"}`,
	} {
		var got struct{ Pods []struct{ Rates any } }
		var wanted any
		for text, to := range map[string]any{s.get("Console", "/api/faults?workload="+workload).body: &got, want: &wanted} {
			if err := json.Unmarshal([]byte(text), to); err != nil {
				s.t.Fatalf("%v: %s", err, text)
			}
		}
		if len(got.Pods) != 1 {
			s.t.Fatalf("%s has %d pods, want 1", workload, len(got.Pods))
		}
		if d := gocmp.Diff(wanted, got.Pods[0].Rates); d != "" {
			s.t.Errorf("faults of %s (-want +got):\n%s", workload, d)
		}
	}
}
