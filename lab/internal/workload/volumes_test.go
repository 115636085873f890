package workload

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/overlay"
)

// withVolumes returns a Deployment of a given program whose arguments and variables name files of its volumes.
func withVolumes() overlay.Deployment {
	d := server("front", 1)
	c := others("web", "9898")
	c.Args = []string{"--config=/etc/config/app.yaml", "/etc/config/dir/run.sh", "/etc/configuration", "/etc/config/../passwd", "/one.txt"}
	c.Env = append(c.Env, overlay.EnvVar{Name: "DATA", Value: "/data/cache"}, overlay.EnvVar{Name: "OTHER", Value: "/database"})
	c.WorkingDir = "/data/cache"
	c.Mounts = []overlay.Mount{{Volume: "config", Path: "/etc/config"}, {Volume: "config", Path: "/one.txt", SubPath: "app.yaml"},
		{Volume: "tokens", Path: "/tokens"}, {Volume: "data", Path: "/data/cache", SubPath: "cache"}, {Volume: "data", Path: "/data"}}
	d.Pod.Containers = []overlay.Container{c}
	d.Pod.Volumes = []overlay.Volume{
		{Name: "config", Files: []overlay.VolumeFile{{Path: "app.yaml", Mode: 0o644, Content: []byte("a: b\n")}, {Path: "dir/run.sh", Mode: 0o755, Content: []byte("#!/bin/sh\n")}}},
		{Name: "tokens", Files: []overlay.VolumeFile{{Path: "token", Mode: 0o600, Content: []byte("secret")}}},
		{Name: "data"},
	}
	return d
}

// TestVolumes: a process finds its files in the directory of its pod, and they are removed with the pod.
func TestVolumes(t *testing.T) {
	t.Parallel()
	b := newBench(t, give(t, "web", ""))
	b.apply(withVolumes())
	b.waitDone()
	at := b.ready()[0].Ports[9898]
	var args, env []string
	for path, into := range map[string]*[]string{"/args": &args, "/env": &env} {
		body, err := b.getAt(at, path)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.NewDecoder(body).Decode(into); err != nil {
			t.Fatal(err)
		}
	}
	dir := ""
	for _, v := range env {
		if value, ok := strings.CutPrefix(v, "HOPLINE_POD_DIR="); ok {
			dir = value
		}
	}
	in := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	want := []string{"--config=" + in("config/app.yaml"), in("config/dir/run.sh"), "/etc/configuration", "/etc/config/../passwd", in("config/app.yaml")}
	if diff := cmp.Diff(want, args[1:]); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	for _, v := range []string{"DATA=" + in("data/cache"), "OTHER=/database"} {
		if !slices.Contains(env, v) {
			t.Errorf("the environment has no %s: %q", v, env)
		}
	}
	for name, want := range map[string]os.FileMode{"": 0o700, "config/app.yaml": 0o644, "config/dir/run.sh": 0o755, "tokens/token": 0o600, "data/cache": 0o700} {
		if info, err := os.Stat(in(name)); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want mode %v", name, info, err, want)
		}
	}
	if content, err := os.ReadFile(in("tokens/token")); err != nil || string(content) != "secret" {
		t.Errorf("the token: %q, %v", content, err)
	}
	body, err := b.getAt(at, "/dir")
	if err != nil {
		t.Fatal(err)
	}
	var working string
	if err := json.NewDecoder(body).Decode(&working); err != nil {
		t.Fatal(err)
	}
	if real, err := filepath.EvalSymlinks(in("data/cache")); err != nil || working != real {
		t.Errorf("it runs in %s, want %s (%v)", working, real, err)
	}
	b.apply()
	b.wait("the end", func() bool { return len(b.Status()) == 0 })
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", dir, err)
	}
}

// TestChangedFileReplacesThePod: a saved ConfigMap begins a rolling update.
func TestChangedFileReplacesThePod(t *testing.T) {
	t.Parallel()
	b := newBench(t, give(t, "web", ""))
	b.apply(withVolumes())
	b.waitDone()
	before := b.Status()[0].Name
	changed := withVolumes()
	changed.Pod.Volumes[0].Files[0].Content = []byte("a: c\n")
	b.apply(changed)
	b.wait("another pod", func() bool { s := b.Status(); return len(s) == 1 && s[0].Name != before })
}

// TestNoFileOutsideOfThePod: even a path that manifests may not have writes no file outside.
func TestNoFileOutsideOfThePod(t *testing.T) {
	t.Parallel()
	b := newBench(t, give(t, "web", ""))
	d := withVolumes()
	name := filepath.Base(t.TempDir()) + "-escaped"
	d.Pod.Volumes[0].Files[0].Path = "../../../" + name
	b.apply(d)
	b.wait("the reason", func() bool { return strings.Contains(b.Status()[0].Reason, "escapes") })
	if _, err := os.Stat(filepath.Join(os.TempDir(), name)); !os.IsNotExist(err) {
		t.Errorf("a file was written outside: %v", err)
	}
}
