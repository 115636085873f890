package workload

import (
	"regexp"
	"testing"

	"github.com/hopline/hopline/lab/overlay"
)

func TestPodNamesLookLikeKubernetes(t *testing.T) {
	t.Parallel()
	template := overlay.PodTemplate{Labels: map[string]string{"app": "front", "version": "amber"}}
	shape := regexp.MustCompile(`^front-amber-[bcdfghjklmnpqrstvwxz2456789]{1,10}-[bcdfghjklmnpqrstvwxz2456789]{5}$`)
	seen := map[string]bool{}
	for range 100 {
		name := podName("front-amber", templateHash(template))
		if !shape.MatchString(name) {
			t.Fatalf("pod name %q, want it like %s", name, shape)
		}
		seen[name] = true
	}
	if len(seen) < 95 {
		t.Errorf("100 pods have %d names", len(seen))
	}
}

func TestTemplateHashChangesWithTheTemplateOnly(t *testing.T) {
	t.Parallel()
	template := func(version, value string) overlay.PodTemplate {
		return overlay.PodTemplate{
			Labels:     map[string]string{"app": "front", "version": version},
			Containers: []overlay.Container{{Env: []overlay.EnvVar{{Name: "ERROR_RATE", Value: value}}}},
		}
	}
	hash := templateHash(template("amber", "0"))
	if same := templateHash(template("amber", "0")); same != hash {
		t.Errorf("equal templates have the hashes %s and %s", hash, same)
	}
	if templateHash(template("amber", "5")) == hash {
		t.Error("a changed variable does not change the hash")
	}
	if templateHash(template("blue", "0")) == hash {
		t.Error("a changed label does not change the hash")
	}
}
