package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// conformance runs the suite that the lab must pass too, and prints what the suite could not check here.
func conformance(t *testing.T, overlay string, samples int, more ...string) {
	t.Helper()
	url := *ingress
	switch overlay {
	case "plain": // no gateway routes there
		url = forward(t, "hopline", "service/front", "80")
		eventually(t, 30*time.Second, func() error { // a pod is ready a little before all nodes route to it
			if a, err := ask("GET", url+"/hops", ""); err != nil || a.code != 200 {
				return fmt.Errorf("%d %s %w", a.code, a.body, err)
			}
			return nil
		})
	case "canary":
		var admins []string
		for _, workload := range []string{"front-amber", "middle-canary", "core-test", "clock", "bounced", "minimal-v1"} {
			admins = append(admins, forward(t, "hopline", "deployment/"+workload, "8081"))
		}
		more = append(more, "-admin", strings.Join(admins, " "), "-logs", logs(t))
	case "mirror": // what got a copy is in the logs
		more = append(more, "-logs", logs(t))
	case "outlier": // it repairs the sick pod
		more = append(more, "-admin", forward(t, "hopline", "deployment/core-sick", "8081")+" "+forward(t, "hopline", "deployment/core-prod", "8081"))
	}
	cmd := exec.Command(conformanceBinary(), append([]string{"-url", url, "-overlay", overlay, "-samples", strconv.Itoa(samples)}, more...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
		return
	}
	t.Logf("%s", strings.TrimPrefix(string(out), "PASS\n"))
}

// logs returns a file with what all pods print, for the duration of the test.
func logs(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "logs")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("kubectl", "logs", "-f", "-n", "hopline", "-l", "app.kubernetes.io/part-of=hopline", "-c", "app", "--since=1s", "--max-log-requests=20")
	cmd.Stdout = file
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait(); _ = file.Close() })
	return path
}
