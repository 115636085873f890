package current

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// TestToken writes the token of a lab, calls the lab with it, and removes it. It is not parallel: it sets the place of the file.
func TestToken(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", dir)
	lab := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/changes" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		if got := r.Header.Get(TokenHeader); got != "one" {
			w.WriteHeader(http.StatusForbidden)
			json.NewEncoder(w).Encode(map[string]string{"error": "token " + got})
			return
		}
		w.Write([]byte(`{"text":"done"}`))
	}))
	defer lab.Close()
	_, portText, _ := net.SplitHostPort(lab.Listener.Addr().String())
	port, err := strconv.Atoi(portText)
	if err != nil {
		t.Fatal(err)
	}
	call := func(path string) string {
		var result struct{ Text string }
		if err := Call(t.Context(), port, http.MethodPost, path, map[string]int{"a": 1}, &result); err != nil {
			return err.Error()
		}
		return result.Text
	}
	if got := call("/api/changes"); got != "token " {
		t.Errorf("without a file: %q, want an error of the lab that shows no token", got)
	}
	remove, err := WriteToken(port, "one")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "hopline", "labs", portText+".token")
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode != 0o600 {
		t.Errorf("the mode of %s is %o, want 600", file, mode)
	}
	if got := call("/api/changes"); got != "done" {
		t.Errorf("with the file: %q, want done", got)
	}
	if got := call("/api/nothing"); !strings.Contains(got, "404") {
		t.Errorf("an error without a text: %q, want the status", got)
	}
	second, err := WriteToken(port, "two") // of a lab that starts after the first was killed
	if err != nil {
		t.Fatal(err)
	}
	remove()
	if got := call("/api/changes"); got != "token two" {
		t.Errorf("after the end of the first: %q, want the token of the second", got)
	}
	second()
	if _, err := os.Stat(file); err == nil {
		t.Errorf("%s is still there", file)
	}
}

// TestTokenThroughALink puts a symbolic link where the token belongs: its target is not written.
func TestTokenThroughALink(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", dir)
	victim := filepath.Join(dir, "victim")
	if err := os.WriteFile(victim, []byte("untouched"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "hopline", "labs"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, filepath.Join(dir, "hopline", "labs", "8090.token")); err != nil {
		t.Skip(err)
	}
	remove, err := WriteToken(8090, "one")
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	if text, err := os.ReadFile(victim); err != nil || string(text) != "untouched" {
		t.Errorf("the target of the link has %q, %v", text, err)
	}
}
