package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// version is a version that is never released, and another one in each run: the go command keeps what it knows of a version's packages. The
// modules' copies in its cache are removed at the end.
var version = fmt.Sprintf("v0.0.1-check.%d", time.Now().UnixNano())

// TestInstall does what a user does once a release is tagged: go install in an empty folder, and hopline up there.
func TestInstall(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles hopline and the services")
	}
	dir := t.TempDir()
	r, err := prepare(t.Context(), "../..", filepath.Join(dir, "clone"), version)
	if err != nil {
		t.Fatal(err)
	}
	env, err := r.environment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { forget(t) })
	forget(t) // of a run that was cut short
	env = append(env, "CGO_ENABLED=0", "XDG_CACHE_HOME="+filepath.Join(dir, "cache"), "GOCACHE="+goEnv(t, "GOCACHE"), "GOBIN="+dir)
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := command(t.Context(), empty, env, "go", "install", base+"lab/cmd/hopline@"+version); err != nil {
		t.Fatal(err)
	}
	page := up(t, empty, env, filepath.Join(dir, "hopline"))
	if hops := get(t, page+"hops", "betaUser"); !strings.Contains(hops, "middle-dev") || !strings.Contains(hops, "clock-prod at") {
		t.Errorf("the hops are\n%s\nwant middle-dev, and clock-prod at the end", hops)
	}
}

// TestNoReplaceIsReleased: what is installed has no replace directive, and requires its neighbours at the release's version.
func TestNoReplaceIsReleased(t *testing.T) {
	t.Parallel()
	r, err := prepare(t.Context(), "../..", filepath.Join(t.TempDir(), "clone"), "v0.0.1-check.2")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range r.modules {
		file, err := parse(r.dir, m)
		if err != nil {
			t.Fatal(err)
		}
		if len(file.Replace) > 0 {
			t.Errorf("%s: %v is replaced", m, file.Replace[0].Old)
		}
		for _, required := range file.Require {
			if strings.HasPrefix(required.Mod.Path, base) && required.Mod.Version != r.version {
				t.Errorf("%s requires %v, want %s", m, required.Mod, r.version)
			}
		}
	}
	if err := r.tag(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestBadVersions(t *testing.T) {
	t.Parallel()
	for _, v := range []string{"", "1.2.3", "v1.2", "v1", "v1.2.3+meta"} {
		if _, err := prepare(t.Context(), "../..", filepath.Join(t.TempDir(), "clone"), v); err == nil || !strings.Contains(err.Error(), "want a semantic version") {
			t.Errorf("version %q: %v", v, err)
		}
	}
	there := t.TempDir()
	if _, err := prepare(t.Context(), "../..", there, version); err == nil || !strings.Contains(err.Error(), "not there yet") {
		t.Errorf("clone %s: %v", there, err)
	}
}

// forget removes the modules of the test's version from the go command's cache.
func forget(t *testing.T) {
	t.Helper()
	cache := goEnv(t, "GOMODCACHE")
	for _, pattern := range []string{"github.com/hopline/hopline/*@v0.0.1-check.*", "github.com/hopline/hopline/services/*@v0.0.1-check.*", "cache/download/github.com/hopline"} {
		paths, err := filepath.Glob(filepath.Join(cache, filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if err := os.RemoveAll(path); err != nil {
				t.Error(err)
			}
		}
	}
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// up runs hopline up on free ports and returns the address of the page once it says that it is ready.
func up(t *testing.T, dir string, env []string, program string) (page string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, program, "up", "--ingress-port=0", "--console-port=0", "--zipkin-port=0", "--otlp-port=0")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	var said strings.Builder
	address := regexp.MustCompile(`Page +(http://\S+/demo-app/)`)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return m[1]
		}
	}
	t.Fatalf("hopline up named no page; it said\n%s", said.String())
	return ""
}

func get(t *testing.T, url, user string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("x-dev-user", user)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, resp.Status, err)
	}
	return string(body)
}
