package conformance

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// TestCircuit: the ingress has one connection to minimal and lets one request wait for it. While these are in progress, the mesh rejects
// further requests itself. A cluster accepts a few more, because each worker thread of an Envoy may have a connection.
func TestCircuit(t *testing.T) {
	t.Parallel()
	overlaid(t, "circuit")
	turn.Lock()
	defer turn.Unlock()
	const concurrent = 20
	slow := headers{"Host": minimalHost, "x-fault-minimal": "latency=1s", "x-b3-sampled": "0"}
	if a, err := send("GET", "/", headers{"Host": minimalHost}, ""); err != nil || a.StatusCode != 200 { // opens the connection
		t.Fatalf("%v, %d %s, wanted 200", err, a.StatusCode, a.body)
	}
	var (
		mu       sync.Mutex
		accepted int
		wg       sync.WaitGroup
	)
	for range concurrent {
		wg.Go(func() {
			a, err := send("GET", "/", slow, "")
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil && a.StatusCode == 200:
				accepted++
			case err != nil || !overflown(a):
				t.Errorf("%v, %d %q, wanted 200, or 503 because of the limits", err, a.StatusCode, a.body)
			}
		})
	}
	wg.Wait()
	most := 2
	if engine, _ := atHand(); engine == istio {
		most = concurrent / 2
	}
	if accepted < 2 || accepted > most {
		t.Errorf("%d of %d requests at a time were accepted, wanted from 2 to %d", accepted, concurrent, most)
	}
	if a, err := send("GET", "/", headers{"Host": minimalHost}, ""); err != nil || a.StatusCode != 200 {
		t.Errorf("afterwards: %v, %d %s, wanted 200", err, a.StatusCode, a.body)
	}
}

// overflown reports whether the mesh has rejected a request because of a limit on connections.
func overflown(a answer) bool {
	return a.StatusCode == 503 && a.Header.Get("x-envoy-overloaded") == "true" && strings.HasSuffix(a.body, "reset reason: overflow")
}

// TestCircuitInside: a pod that calls minimal has limits of its own.
func TestCircuitInside(t *testing.T) {
	t.Parallel()
	overlaid(t, "circuit")
	for i := range certain { // one after another they stay below the limits
		if b, err := bounce("http://minimal:9090", headers{"x-b3-sampled": "0"}); err != nil || b.StatusCode != 200 {
			t.Fatal(fmt.Sprint("request ", i), err, b)
		}
	}
}
