package proxy

import (
	"io"
	"net/http"
	"testing"

	"github.com/hopline/hopline/lab/mesh"
)

// TestEntryFollowsTheRules: each swap of the rules names the gateway at which requests from outside arrive.
func TestEntryFollowsTheRules(t *testing.T) {
	t.Parallel()
	own := mesh.Source{Workload: "own-gateway", Namespace: "shop", Gateway: true, Labels: map[string]string{"istio": "own"}}
	at := func(entry mesh.Source) *rules {
		return &rules{entry: entry, decide: func(_ *mesh.Request, from *mesh.Source) mesh.Decision {
			return mesh.Decision{Outcome: mesh.Direct, Route: &mesh.Route{Direct: &mesh.DirectResponse{Code: http.StatusOK, Body: []byte(from.Workload)}}}
		}}
	}
	b := newBench(t, Options{}, at(mesh.Source{}))
	outside := serveOn(b.proxy.Entry(80))
	t.Cleanup(outside.Close)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, want := range []string{"istio-ingressgateway", "own-gateway", "own-gateway", "istio-ingressgateway"} {
		entry := mesh.IngressGateway()
		if want != entry.Workload {
			entry = own
		}
		b.proxy.Swap(at(entry))
		b.setPods(podOf("middle", "middle-1", "127.0.0.1:1")) // the pods change independently of the rules
		response, err := client.Get(outside.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if string(body) != want {
			t.Errorf("got a response of %q, want %s", body, want)
		}
	}
}
