package workload

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/overlay"
)

// TestStandInPorts: one listener serves the ports of all containers and those that Services name, and the admin port is none of them.
func TestStandInPorts(t *testing.T) {
	t.Parallel()
	d := overlay.Deployment{Meta: overlay.Meta{Namespace: "shop", Name: "web-1"}}
	d.Pod.Labels = map[string]string{"tier": "web"}
	d.Pod.Containers = []overlay.Container{{Ports: []overlay.ContainerPort{{Name: "http", Number: 8081}}}, {Ports: []overlay.ContainerPort{{Name: "metrics", Number: 9100}}}}
	selector := map[string]string{"tier": "web"}
	o := &overlay.Overlay{Services: []overlay.Service{
		{Meta: overlay.Meta{Namespace: "shop", Name: "web"}, Selector: selector, Ports: []overlay.ServicePort{{Port: 80, Target: "http"}, {Port: 81, Target: "8082"}}},
		{Meta: overlay.Meta{Namespace: "other", Name: "web"}, Selector: selector, Ports: []overlay.ServicePort{{Port: 80, Target: "7000"}}},
		{Meta: overlay.Meta{Namespace: "shop", Name: "others"}, Selector: map[string]string{"tier": "db"}, Ports: []overlay.ServicePort{{Port: 80, Target: "7001"}}},
	}}
	played, also, err := standIn(o, d)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{9100, 8082}, also); diff != "" {
		t.Errorf("more ports (-want +got):\n%s", diff)
	}
	got := map[string]string{}
	for _, e := range played.Pod.Containers[0].Env {
		got[e.Name] = e.Value
	}
	want := map[string]string{"STAND_IN": "true", "PORT": "8081", "ADMIN_PORT": "8083", "SERVICE_NAME": "web-1", "SERVICE_VERSION": "latest",
		"BOUNCE_ALLOW": "*,*.other,*.shop,*.svc,*.svc.cluster.local"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

// TestProgramsOfImages: another project's image with the name of a program of the suite is not the suite's.
func TestProgramsOfImages(t *testing.T) {
	t.Parallel()
	p := Programs{Bin: t.TempDir()}
	for image, want := range map[string]bool{"localhost:5001/hopline/front:dev": true, "acme/front:1": false, "front": false, "hopline/other": false, "": false} {
		if got := p.Has(image); got != want {
			t.Errorf("%s: got %v, want %v", image, got, want)
		}
	}
}
