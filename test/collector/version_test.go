package collector

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestVersions: the images in deploy/ are of the version that the tests build.
func TestVersions(t *testing.T) {
	t.Parallel()
	version := manifest(t).Dist.Version
	for _, file := range []string{"addons/collector/collector.yaml", "addons/sampling/sampling.yaml", "../docker-compose.yaml"} {
		text, err := os.ReadFile(filepath.Join(deploy, file))
		if err != nil {
			t.Fatal(err)
		}
		images := regexp.MustCompile(`opentelemetry-collector-contrib:(\S+)`).FindAllSubmatch(text, -1)
		if len(images) == 0 {
			t.Errorf("%s: no collector", file)
		}
		for _, image := range images {
			if string(image[1]) != version {
				t.Errorf("%s: version %s, want %s", file, image[1], version)
			}
		}
	}
}

// TestImageHasAllParts: each part is in the distribution contrib, of which the image is made. The module of each part says so itself.
func TestImageHasAllParts(t *testing.T) {
	t.Parallel()
	m := manifest(t)
	count := 0
	for _, list := range [][]part{m.Receivers, m.Processors, m.Connectors, m.Exporters, m.Extensions} {
		for _, p := range list {
			count++
			module, _, _ := strings.Cut(p.GoMod, " ")
			list := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module)
			list.Dir, list.Env = filepath.Dir(binary), append(os.Environ(), "GOWORK=off")
			dir, err := list.CombinedOutput()
			if err != nil {
				t.Fatalf("%s: %v: %s", module, err, dir)
			}
			raw, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "metadata.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			var about struct {
				Status struct{ Distributions []string }
			}
			if err := yaml.Unmarshal(raw, &about); err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(about.Status.Distributions, "contrib") {
				t.Errorf("%s is in %v, not in contrib", module, about.Status.Distributions)
			}
		}
	}
	if count < 10 {
		t.Errorf("only %d parts", count)
	}
}

// part is a module of the builder's manifest: its path and its version.
type part struct {
	GoMod string `json:"gomod"`
}

type builderManifest struct {
	Dist                                                     struct{ Version string }
	Receivers, Processors, Connectors, Exporters, Extensions []part
}

func manifest(t *testing.T) builderManifest {
	t.Helper()
	raw, err := os.ReadFile("builder.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var m builderManifest
	if err := yaml.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	return m
}
