package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// driveKeepsFaults writes the faults of a workload to its file: one that the file has already, and one that is new. Its processes start
// with them.
func driveKeepsFaults(t *testing.T, s *suite) {
	file := filepath.Join(s.deploy, "overlays/outlier/core-sick.yaml")
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const sick = `            - {name: ERROR_RATE, value: "100"}`
	if strings.Count(string(before), sick) != 1 {
		t.Fatalf("%s does not have %q once", file, sick)
	}
	pods := s.pods("hopline/core-sick")
	s.drive("faults", "core-sick", "--errors=40", "--latency=5ms")
	id, _, _ := strings.Cut(s.changes(), " ")
	if out := s.drive("keep", id); !strings.Contains(out, "core-sick.yaml") {
		t.Errorf("keep says %q, want that it wrote core-sick.yaml", out)
	}
	after, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.TrimRight(strings.Replace(string(before), sick, `            - {name: ERROR_RATE, value: "40"}`, 1), "\n") + "\n            - {name: LATENCY, value: 5ms}\n"
	if string(after) != want {
		t.Errorf("the file is\n%s\nwant\n%s", after, want)
	}
	if got := s.changes(); got != noChanges {
		t.Errorf("after keep there are %s", got)
	}
	s.waitFor("a new process with the faults", func() bool {
		for pod := range s.pods("hopline/core-sick") {
			if _, old := pods[pod]; old {
				return false
			}
		}
		faults := s.get("Console", "/api/faults?workload=hopline/core-sick").body
		return strings.Contains(faults, `"error_rate":40`) && strings.Contains(faults, `"latency":"5ms"`)
	})
}
