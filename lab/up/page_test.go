package up

import (
	"testing"

	"github.com/hopline/hopline/lab/internal/shipped"
	"github.com/hopline/hopline/lab/overlay"
)

func TestPagePathIsThePrefixThatLeadsSomewhere(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"canary": "/demo-app/", "prod": "/demo-app/", "egress": "/demo-app/", "plain": ""} {
		o, err := overlay.Load(shipped.Overlay(t, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := pagePath(o); got != want {
			t.Errorf("overlay %s: page at %q, want %q", name, got, want)
		}
	}
}
