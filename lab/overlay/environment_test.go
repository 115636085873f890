package overlay

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The cases are taken from the tests in Kubernetes' third_party/forked/golang/expansion.
func TestExpandFollowsKubernetes(t *testing.T) {
	t.Parallel()
	known := map[string]string{"VAR_A": "A", "VAR_B": "B", "VAR_C": "C", "VAR_REF": "$(VAR_A)", "VAR_EMPTY": ""}
	for in, want := range map[string]string{
		"$(VAR_A)": "A", "___$(VAR_B)___": "___B___", "$(VAR_A)$(VAR_B)": "AB", "$$(VAR_A)_$(VAR_A)": "$(VAR_A)_A",
		"$$$(VAR_A)": "$A", "$$$$(VAR_A)": "$$(VAR_A)", "$(VAR_REF)": "$(VAR_A)", "$$(VAR_REF)": "$(VAR_REF)",
		"$(VAR_A": "$(VAR_A", "$VAR_A": "$VAR_A", "$": "$", "$$": "$", "foo$(VAR_EMPTY)bar": "foobar", "$(VAR_DNE)": "$(VAR_DNE)",
		"$(VAR_A)$": "A$", "f000-$": "f000-$", "\\$(VAR_A)": "\\A", "$(VAR_A)(foo)": "A(foo)", "": "", "$()": "$()", "$($(VAR_A))": "$($(VAR_A))",
	} {
		if got := Expand(in, known); got != want {
			t.Errorf("Expand(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestEnvironResolvesFieldsAndReferences(t *testing.T) {
	t.Parallel()
	c := load(t, "testdata/good").Deployments[0].Pod.Containers[0]
	got := c.Environ(func(path string) string { return "<" + path + ">" }, map[string]string{"POD": "middle-prod-x"})
	want := []string{
		"LOG_LEVEL=debug", "PRICE=$(NOT_EXPANDED)", "SERVICE_NAME=<metadata.labels['app']>", "LEVEL=debug",
		"NAME=<metadata.labels['app']>-middle-prod-x-$(POD)-$(NOBODY)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

func TestTheLaterOfTwoVariablesWins(t *testing.T) {
	t.Parallel()
	got := lastOfEach([]EnvVar{{Name: "A", Value: "1"}, {Name: "B", Value: "2"}, {Name: "A", Value: "3"}})
	if diff := cmp.Diff([]EnvVar{{Name: "B", Value: "2"}, {Name: "A", Value: "3"}}, got); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
}
