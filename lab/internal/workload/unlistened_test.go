package workload

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/overlay"
)

// TestPortsThatNobodyListensOn checks that a port on which the process does not listen is reported, unless the manifest makes the process
// listen there.
func TestPortsThatNobodyListensOn(t *testing.T) {
	t.Parallel()
	deployment := func(env ...overlay.EnvVar) overlay.Deployment {
		d := overlay.Deployment{Meta: overlay.Meta{Kind: "Deployment", Namespace: "shop", Name: "page"}}
		d.Pod.Labels = map[string]string{"app": "page"}
		d.Pod.Containers = []overlay.Container{{Image: "localhost:5001/hopline/front:dev", Env: env,
			Ports: []overlay.ContainerPort{{Name: "http", Number: 9090}, {Name: "http-admin", Number: 8081}}}}
		return d
	}
	o := &overlay.Overlay{Services: []overlay.Service{{
		Meta: overlay.Meta{Kind: "Service", Namespace: "shop", Name: "page"}, Selector: map[string]string{"app": "page"},
		Ports: []overlay.ServicePort{{Port: 81, Target: "http-admin"}, {Port: 80, Target: "http"}},
	}}}
	o.Deployments = []overlay.Deployment{deployment()}
	want := []string{"Service shop/page: spec.ports[1].targetPort: is port 9090 of Deployment shop/page, whose process listens only on 8080 (PORT) and 8081 (ADMIN_PORT); set env PORT to 9090 there"}
	if diff := cmp.Diff(want, Unlistened(o, Programs{})); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	o.Deployments = []overlay.Deployment{deployment(overlay.EnvVar{Name: "PORT", Value: "9090"})}
	if got := Unlistened(o, Programs{}); len(got) > 0 {
		t.Errorf("with PORT: %q", got)
	}
}
