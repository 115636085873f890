package servertest

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/pkg/config"
	"github.com/hopline/hopline/pkg/server"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Golden compares got with testdata/name, or writes it there with -update.
func Golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got), -update rewrites it:\n%s", path, diff)
	}
}

// Help compares the text of --help with testdata/help.golden.
func Help(t *testing.T, run func(server.Process) int) {
	t.Helper()
	code, stdout, stderr := Exec(t, run, []string{"--help"}, nil)
	if code != 0 || stderr != "" {
		t.Errorf("exit code %d and %q on stderr, wanted 0 and nothing", code, stderr)
	}
	Golden(t, "help.golden", stdout)
}

// BadSettings compares a service's messages about an invalid environment with testdata/bad-settings.golden.
func BadSettings(t *testing.T, run func(server.Process) int, env ...string) {
	t.Helper()
	code, stdout, stderr := Exec(t, run, nil, env)
	if code != config.ExitUsage || stdout != "" {
		t.Errorf("exit code %d and %q on stdout, wanted %d and nothing", code, stdout, config.ExitUsage)
	}
	Golden(t, "bad-settings.golden", stderr)
}
