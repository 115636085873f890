//go:build linux

package main

import (
	"bytes"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestFlags: invalid flags give exit code 2 and a message.
func TestFlags(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--time 1s":         "--time 1s: want 2s to 10m",
		"--rate 0":          "--rate 0: want 1 to 5000",
		"--only (":          `--only "("`,
		"now":               `argument "now": want only flags`,
		"--root /nowhere":   "make build makes it",
		"--no-such-flag":    "no-such-flag",
		"--rate 2 --time x": "time",
	} {
		var out, said bytes.Buffer
		if code := run(t.Context(), strings.Fields(args), &out, &said); code != 2 || !strings.Contains(said.String(), want) {
			t.Errorf("%s: code %d, said %q; wanted 2 and %q", args, code, said.String(), want)
		}
	}
	var out, said bytes.Buffer
	if code := run(t.Context(), []string{"-h"}, &out, &said); code != 0 || !strings.Contains(said.String(), "-seed") {
		t.Errorf("-h: code %d, said %q", code, said.String())
	}
}
