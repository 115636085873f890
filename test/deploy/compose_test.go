package deploy

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	gocmp "github.com/google/go-cmp/cmp"
)

// TestCompose: docker compose up starts the five services, --profile mesh the lab instead, and both start the same back ends.
func TestCompose(t *testing.T) {
	t.Parallel()
	backends := []string{"collector", "grafana", "jaeger", "loki", "prometheus"}
	for name, c := range map[string]struct {
		profiles []string
		want     []string
	}{
		"services": {nil, append([]string{"bounced", "clock", "core", "front", "middle"}, backends...)},
		"mesh":     {[]string{"mesh"}, append([]string{"hopline"}, backends...)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory, err := filepath.Abs("../..")
			if err != nil {
				t.Fatal(err)
			}
			options, err := cli.NewProjectOptions([]string{filepath.Join(directory, "docker-compose.yaml")},
				cli.WithWorkingDirectory(directory), cli.WithEnvFiles(), cli.WithDotEnv, cli.WithDefaultProfiles(c.profiles...))
			if err != nil {
				t.Fatal(err)
			}
			project, err := options.LoadProject(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for name, s := range project.Services {
				got = append(got, name)
				if s.MemLimit == 0 || len(s.CapDrop) == 0 {
					t.Errorf("%s: no memory limit, or capabilities that it does not need", name)
				}
				for _, p := range s.Ports {
					if p.HostIP != "127.0.0.1" {
						t.Errorf("%s: port %s is open on all interfaces", name, p.Published)
					}
				}
				for _, v := range s.Volumes {
					if _, err := os.Stat(v.Source); err != nil && v.Source != "/var/lib/docker/containers" {
						t.Errorf("%s: %v", name, err)
					}
				}
				if s.Build != nil && s.Build.Target == "service" && (s.HealthCheck == nil || s.Build.Args["SERVICE"] == nil || *s.Build.Args["SERVICE"] != name) {
					t.Errorf("%s: built as %v, health check %v", name, s.Build.Args, s.HealthCheck)
				}
			}
			slices.Sort(got)
			slices.Sort(c.want)
			if d := gocmp.Diff(c.want, got); d != "" {
				t.Errorf("containers (-want +got):\n%s", d)
			}
		})
	}
}
