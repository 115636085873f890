package overlay

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hopline/hopline/lab/overlay/snapshot"
)

// TestLenientDirectoryIsWatched: a file that is added to a directory without a kustomization.yaml is a change.
func TestLenientDirectoryIsWatched(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("a.yaml", "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {selector: {app: a}, ports: [{port: 80}]}}")
	o, err := LoadLenient([]string{dir}, nil, func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Deployments) != 1 || !o.Deployments[0].Pod.Played || o.Deployments[0].Pod.Labels["app"] != "a" {
		t.Errorf("a Service without a workload: got %+v, want one workload that a stand-in plays", o.Deployments)
	}
	w, err := snapshot.NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	if err := w.Watch(o.Sums()); err != nil {
		t.Fatal(err)
	}
	write("b.yaml", "{apiVersion: v1, kind: Service, metadata: {name: b}, spec: {selector: {app: b}, ports: [{port: 80}]}}")
	select {
	case <-w.Changes():
	case <-time.After(30 * time.Second):
		t.Error("no change after a file was added")
	}
}
