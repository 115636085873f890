package explain

import (
	"strings"
	"testing"
	"time"

	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/workload"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/proxy"
)

// An endpoint that the caller has ejected is ready but gets no requests from it. Only that caller's explanation shows this.
func TestEjectedEndpoint(t *testing.T) {
	t.Parallel()
	labels := map[string]string{"app": "core"}
	pod := func(name string, state workload.State) workload.Status {
		return workload.Status{State: state, Pod: mesh.Pod{Name: name, Source: mesh.Source{Namespace: "shop", Labels: labels}, Ports: map[int]string{8080: "127.0.0.1:20001"}}}
	}
	lab := &current.Lab{Pods: []workload.Status{pod("core-a", workload.Ready), pod("core-b", workload.Ready), pod("core-c", workload.Starting)},
		Ejections: []proxy.Ejection{{Caller: "middle-x", Workload: "middle", Namespace: "shop", Cluster: "core", Pod: "core-a", Why: "3 errors in a row", Until: time.Now()}}}
	c := &mesh.Cluster{Name: "core", Known: true, Namespace: "shop", Selector: labels, Target: 8080}
	var lines []string
	for _, e := range podsBehind(lab, c, &mesh.Source{Workload: "middle", Namespace: "shop"}) {
		lines = append(lines, e.Text)
		if ready := !strings.HasPrefix(e.Text, "core-c "); e.Ready != ready {
			t.Errorf("%s: ready %t, want %t", e.Text, e.Ready, ready)
		}
	}
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "core-a 127.0.0.1:20001 ready, ejected by middle-x until ") || !strings.HasSuffix(lines[0], ": 3 errors in a row") ||
		lines[1] != "core-b 127.0.0.1:20001 ready" {
		t.Errorf("got %q", lines)
	}
	for _, e := range podsBehind(lab, c, &mesh.Source{Workload: "front", Namespace: "shop"}) {
		if strings.Contains(e.Text, "ejected") {
			t.Errorf("of another caller: %s", e.Text)
		}
	}
}
