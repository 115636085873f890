package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// TestPrograms runs a program of this machine in place of one image. Stand-ins replace all other images, also that of another container of
// its pod.
func TestPrograms(t *testing.T) {
	t.Parallel()
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	s := startWith(t, bin, []string{"--stand-in", "--program", "acme/web='" + filepath.Join(bin, "bounced") + "'", "testdata/program/shop.yaml"})
	for _, want := range []string{
		"played by stand-ins, whose own probe replaces those of the pod: default/prices\n",
		"Deployment default/web: init container wait does not run: its image has no program\n",
		"Deployment default/web, container web: command /app/serve is replaced by " + filepath.Join(bin, "bounced") + "\n",
		"Deployment default/web, container web: workingDir /app is a directory of the image: the program runs in that of hopline up\n",
		"Deployment default/web, container web: ports of the pod become ports of this machine in env METRICS\n",
	} {
		if !strings.Contains(s.screen.String(), want) {
			t.Errorf("the start does not print %q:\n%s", want, s.screen)
		}
	}
	for path, want := range map[string][2]string{"/": {"real", ""}, "/metrics": {"web", "v7"}, "/prices": {"prices", "latest"}} {
		a := s.get("Ingress", path)
		var by playedBy
		if err := json.Unmarshal([]byte(a.body), &by); err != nil || by.Service != want[0] || want[1] != "" && by.Version != want[1] {
			t.Errorf("%s: got %d %s, want a response of %v", path, a.status, a.body, want)
		}
	}
	code, out := s.hopline("logs", "--console-port", s.consolePort(), "-w", "web")
	if code != 0 || !strings.Contains(out, "/web | ") || !strings.Contains(out, "/exporter | ") {
		t.Errorf("logs: code %d, want lines of both containers\n%s", code, out)
	}
}
