package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hopline/hopline/lab/load"
)

// The load of both attackers.
const (
	vegetaRate = 50 // requests a second
	vegetaTime = 4 * time.Second
	fast, slow = 50 * time.Millisecond, 450 * time.Millisecond // the server's response times
	likeness   = 100                                           // ms by which the two may differ
)

// The test checks that `hopline load` and vegeta's own command, side by side on one server, measure the same. Other load on the machine
// affects both, but not at the same moments: they have three tries.
func TestLoadAgreesWithVegetasCommand(t *testing.T) {
	t.Parallel()
	vegeta := filepath.Join(t.TempDir(), "vegeta")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", vegeta, "github.com/tsenart/vegeta/v12")
	build.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building vegeta: %v\n%s", err, said)
	}
	server := httptest.NewServer(twoSpeeds())
	defer server.Close()
	for range 3 {
		differ := besideVegeta(t, vegeta, server.URL)
		if differ == "" {
			return
		}
		t.Log(differ)
	}
	t.Error("hopline load and vegeta differ each time")
}

// twoSpeeds responds fast to every other request of a client, and slowly to the rest.
func twoSpeeds() http.Handler {
	var mu sync.Mutex
	asked := map[string]int{}
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked[r.UserAgent()]++
		n := asked[r.UserAgent()]
		mu.Unlock()
		<-time.After([]time.Duration{fast, slow}[n%2])
	})
}

// vegetaReport holds what the test reads of `vegeta report -type json`.
type vegetaReport struct {
	Requests  int
	Latencies struct {
		Mean time.Duration
		P90  time.Duration `json:"90th"`
		P95  time.Duration `json:"95th"`
	}
	StatusCodes map[string]int `json:"status_codes"`
}

// besideVegeta runs both at the same time and returns where they differ.
func besideVegeta(t *testing.T, vegeta, url string) (differ string) {
	t.Helper()
	var results, text bytes.Buffer
	attack := exec.CommandContext(t.Context(), vegeta, "attack", fmt.Sprintf("-rate=%d", vegetaRate), fmt.Sprintf("-duration=%v", vegetaTime), "-keepalive=false")
	attack.Stdin, attack.Stdout = strings.NewReader("GET "+url+"/\n"), &results
	if err := attack.Start(); err != nil {
		t.Fatal(err)
	}
	ours, err := arrive(url+"/", vegetaRate, vegetaTime)
	if err != nil {
		t.Fatal(err)
	}
	if err := attack.Wait(); err != nil {
		t.Fatal(err)
	}
	sum := exec.CommandContext(t.Context(), vegeta, "report", "-type=json")
	sum.Stdin, sum.Stdout = &results, &text
	if err := sum.Run(); err != nil {
		t.Fatal(err)
	}
	var theirs vegetaReport
	if err := json.Unmarshal(text.Bytes(), &theirs); err != nil {
		t.Fatalf("%v: %s", err, &text)
	}
	return disagreement(ours, theirs)
}

// disagreement returns how the two results differ; empty if they agree.
func disagreement(ours load.Report, theirs vegetaReport) string {
	var differ []string
	near := func(what string, ours float64, vegetas time.Duration) {
		if v := ms(vegetas); ours < v-likeness || ours > v+likeness {
			differ = append(differ, fmt.Sprintf("%s: hopline load %.0f ms, vegeta %.0f ms", what, ours, v))
		}
	}
	near("p90", ours.Latency.P90, theirs.Latencies.P90)
	near("p95", ours.Latency.P95, theirs.Latencies.P95)
	near("mean", ours.Latency.Mean, theirs.Latencies.Mean)
	want := vegetaRate * int(vegetaTime/time.Second)
	if int(ours.Answered) != want || theirs.Requests != want || theirs.StatusCodes["200"] != want {
		differ = append(differ, fmt.Sprintf("of %d requests hopline load has %d answered, vegeta %d with %v",
			want, ours.Answered, theirs.Requests, theirs.StatusCodes))
	}
	return strings.Join(differ, "; ")
}
