package convert

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/overlay"
)

func TestNames(t *testing.T) {
	t.Parallel()
	service := func(name string) overlay.Meta { return overlay.Meta{Kind: "Service", Namespace: "shop", Name: name} }
	long := strings.Repeat("a", 70)
	claims := []claim{
		{service("reviews-V1"), "reviews V1"},
		{service("a-b-c"), "a-b c"}, {service("a-b-c"), "a b-c"}, // both want one name
		{service("taken"), "ta ken"},
		{service("v1.2_beta"), "v1.2_beta"},
		{service(long), long},
	}
	give := func(claims []claim) (out []string) {
		n := names{}
		n.take(service("taken"))
		for _, m := range n.give(claims) {
			out = append(out, m.Name)
		}
		return out
	}
	want := []string{"reviews-v1", "a-b-c-" + digest("a-b c"), "a-b-c-" + digest("a b-c"), "taken-" + digest("ta ken"), "v1-2-beta", long[:54] + "-" + digest(long)}
	got := give(claims)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	slices.Reverse(claims)
	slices.Reverse(want)
	if diff := cmp.Diff(want, give(claims)); diff != "" {
		t.Errorf("in another order (-want +got)\n%s", diff)
	}
	for _, name := range got {
		if len(name) > maxName {
			t.Errorf("%s has %d characters", name, len(name))
		}
	}
}
