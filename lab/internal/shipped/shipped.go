// Package shipped gives tests a copy of the overlays as they are shipped, independent of the user's changes in deploy/.
//
// A test of what a shipped overlay does uses this copy, not deploy/, because users edit those files, even while tests run. The copy is
// deploy.txtar, which `make deploy-copy` renews. `make deploy-check` reports whether deploy/ and the copy differ.
package shipped

import (
	_ "embed"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

//go:generate sh -c "go run ./pack ../../../deploy >deploy.txtar.new && mv deploy.txtar.new deploy.txtar"

//go:embed deploy.txtar
var archive []byte

// Write writes the shipped base, components and overlays below dir.
func Write(dir string) error {
	for _, file := range txtar.Parse(archive).Files {
		path := filepath.Join(dir, filepath.FromSlash(file.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, file.Data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Deploy returns a temporary directory of the test with the shipped base, components and overlays, which the test may edit.
func Deploy(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := Write(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Overlays returns the directories of all overlays in such a copy.
func Overlays(t testing.TB) []string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(Deploy(t), "overlays", "*"))
	if err != nil || len(dirs) < 5 {
		t.Fatalf("overlays %v, %v: want all that are shipped", dirs, err)
	}
	return dirs
}

// Overlay returns the directory of one overlay in such a copy.
func Overlay(t testing.TB, name string) string {
	t.Helper()
	return filepath.Join(Deploy(t), "overlays", name)
}

// Edited returns the directory of one overlay in such a copy, with a change of one of its files.
func Edited(t testing.TB, name, file string, edit func(text string) string) string {
	t.Helper()
	dir := Overlay(t, name)
	path := filepath.Join(dir, file)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(edit(string(text))), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Light returns the directory of one overlay in such a copy, whose pods have only their ports: without the other settings of every pod,
// which no rule depends on, kustomize renders it in half of the time.
func Light(t testing.TB, name string) string {
	t.Helper()
	deploy := Deploy(t)
	if err := os.WriteFile(filepath.Join(deploy, "components", "every-pod", "pod.yaml"), []byte(portsOnly), 0o644); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(deploy, "overlays", name)
}

const portsOnly = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: every-pod}
spec: {template: {spec: {containers: [{name: app, ports: [{name: http, containerPort: 8080}]}]}}}
`
