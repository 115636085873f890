package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hopline/hopline/pkg/server"
)

// TestNameSelectsService: each name runs its own service, with and without a directory or a suffix of Windows.
func TestNameSelectsService(t *testing.T) {
	t.Parallel()
	for _, service := range []string{"front", "middle", "core", "clock", "bounced"} {
		for _, name := range []string{service, "/somewhere/bin/" + service, service + ".exe"} {
			var out, errs bytes.Buffer
			code := run(name, server.Process{Args: []string{"--help"}, Hostname: "test", Stdout: &out, Stderr: &errs})
			if first, _, _ := strings.Cut(out.String(), "\n"); code != 0 || first != "Usage: "+service+" [flags]" {
				t.Errorf("%s --help: code %d, first line %q, errors %q", name, code, first, errs.String())
			}
		}
	}
}

func TestOtherNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"suite", "bin/suite", "", "Front", "front.sh"} {
		var out, errs bytes.Buffer
		code := run(name, server.Process{Stdout: &out, Stderr: &errs})
		if code != 2 || out.Len() > 0 || !strings.HasPrefix(errs.String(), "suite: want a link to this program with the name front, ") {
			t.Errorf("%q: code %d, output %q, errors %q", name, code, out.String(), errs.String())
		}
	}
}
