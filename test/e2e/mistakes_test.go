package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestMistakes: a missing or wrong setting gives a line that names it and how to correct it, before anything has changed.
func TestMistakes(t *testing.T) {
	t.Parallel()
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	run(t, "docker", "tag", "localhost:5001/hopline/front:dev", "localhost:1/hopline/front:dev")
	t.Cleanup(func() { run(t, "docker", "rmi", "localhost:1/hopline/front:dev") })
	for _, c := range []struct {
		name, env string
		command   []string
		says      []string
	}{
		{"no Docker", "DOCKER_HOST=unix://" + nowhere, []string{"deploy/images.sh", "build"}, []string{"Docker does not respond. Start it"}},
		{"no registry", "REGISTRY=localhost:1", []string{"deploy/images.sh", "push"}, []string{"cannot push to localhost:1. Is the registry there?"}},
		{"not built", "TAG=nowhere", []string{"deploy/images.sh", "push"}, []string{"localhost:5001/hopline/front:nowhere is not built: make images push"}},
		{"no cluster", "KUBECONFIG=" + nowhere, []string{"deploy/deploy.sh", "deploy", "canary"}, []string{"no cluster responds", "`make cluster` makes one"}},
		{"no such overlay", "", []string{"deploy/deploy.sh", "deploy", "nowhere"}, []string{"no overlay nowhere. There are: ", "canary", "plain"}},
		{"no such deploy", "", []string{"deploy/deploy.sh", "rollback", "4711"}, []string{"no deploy 4711 in the history: make history"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(c.command[0], c.command[1:]...)
			cmd.Dir = root
			cmd.Env = append(os.Environ(), c.env)
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Errorf("%v accepted it: %s", c.command, out)
			}
			if err := contains(string(out), c.says...); err != nil {
				t.Errorf("%v: the output is %s", err, out)
			}
		})
	}
}
