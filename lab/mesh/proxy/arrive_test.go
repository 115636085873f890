package proxy

import (
	"net/http"
	"testing"

	"github.com/hopline/hopline/lab/mesh"
)

// Policies of a gateway see a request as it arrives, with the address of its client; those of a workload see it as the rule has changed it,
// with the name of its cluster, and so do those of a copy.
func TestPoliciesSeeTheRequestAsItArrives(t *testing.T) {
	t.Parallel()
	type arrived struct{ at, change, client, peer, cluster string }
	seen := make(chan arrived, 3)
	table := mirroring(1)
	route := table.decide(nil, nil).Route
	route.Headers.RequestSet = []mesh.Header{{Name: "x-change", Value: "made"}}
	table.authorize = func(_, to *mesh.Source, r *mesh.Request) bool {
		seen <- arrived{to.Workload, r.Header.Get("X-Change"), r.Header.Get("X-Forwarded-For"), r.Peer, r.Cluster}
		return true
	}
	up, shadow := newEcho(t, "middle"), newEcho(t, "shadow")
	b := newBench(t, Options{}, table, podOf("middle", "middle-1", up.address()), podOf("shadow", "shadow-1", shadow.address()))
	r, err := http.NewRequest("GET", b.ingress.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("x-forwarded-for", "10.2.0.3")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	got := map[arrived]bool{}
	for range 3 {
		got[receive(t, "an authorization", seen)] = true
	}
	for _, want := range []arrived{
		{"istio-ingressgateway", "", "10.2.0.3,127.0.0.1", "127.0.0.1", ""},
		{"middle", "made", "10.2.0.3,127.0.0.1", "", "outbound|80||middle.hopline.svc.cluster.local"},
		{"shadow", "made", "10.2.0.3,127.0.0.1,127.0.0.1", "", "outbound|80||shadow.hopline.svc.cluster.local"},
	} {
		if !got[want] {
			t.Errorf("the policies got %+v, want %+v", got, want)
		}
	}
}
