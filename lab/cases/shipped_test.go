package cases

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/internal/shipped"
)

// Every shipped overlay has cases, and they hold.
func TestShippedOverlays(t *testing.T) {
	t.Parallel()
	for _, dir := range shipped.Overlays(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			c := Command{Paths: []string{dir}}
			if filepath.Base(dir) == "canary" {
				c.FailUnder = 100
			}
			var out bytes.Buffer
			if err := c.Execute(t.Context(), nil, &out, false); err != nil {
				t.Errorf("%v\n%s", err, out.String())
			}
		})
	}
}

// The cases of an overlay fail when its rules change, and print the text of explain.
func TestShippedCasesFail(t *testing.T) {
	t.Parallel()
	dir := shipped.Edited(t, "canary", "middle.yaml", func(text string) string { return strings.Replace(text, "exact: betaUser", "exact: alphaUser", 1) })
	var out bytes.Buffer
	c := Command{Paths: []string{dir}}
	if err := c.Execute(t.Context(), nil, &out, true); !errors.Is(err, ErrFailed) {
		t.Fatalf("got %v, want ErrFailed\n%s", err, out.String())
	}
	for _, want := range []string{"FAIL ", "/canary/routes_test.yaml:", ": front calls middle/testers meet dev: betaUser\n",
		"     rule: got VirtualService hopline/middle everybody (http[1]), want hopline/middle beta\n",
		`     |   no   VirtualService hopline/middle beta (http[0].match[0]): want header x-dev-user exactly "alphaUser", got "betaUser"`,
		"1 of 13 cases failed\n", "::error file=", ",title=front calls middle/testers meet dev%3A betaUser::rule: got VirtualService"} {
		if !bytes.Contains(out.Bytes(), []byte(want)) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
