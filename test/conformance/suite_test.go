// Package conformance holds what Hopline promises whichever engine runs it, as black-box checks through the ingress. The same
// suite runs against the lab on a laptop and against Kubernetes with Istio:
//
//	make conformance URL=http://localhost:8080 OVERLAY=canary TRACES=http://localhost:9411
//
// It knows the system by its contract alone: it imports nothing of it. What needs something that the caller did not name, the
// address of the traces say, is skipped in a line that says so.
package conformance

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

var (
	base    = flag.String("url", os.Getenv("URL"), "the ingress, http://localhost:8080")
	overlay = flag.String("overlay", or(os.Getenv("OVERLAY"), "canary"), "the overlay that is applied")
	traces  = flag.String("traces", os.Getenv("TRACES"), "a Zipkin read API, http://localhost:9411; empty: traces are not read back")
	samples = flag.Int("samples", 2000, "requests per statistical case")
)

// alpha is the chance that one statistical check fails although the share is right: so small that hundreds of them stay green.
const alpha = 1e-6

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func TestMain(m *testing.M) {
	flag.Parse()
	if *base == "" {
		fmt.Println("conformance: no URL given, nothing to check: make conformance URL=http://localhost:8080")
		os.Exit(0)
	}
	if _, ok := rules[*overlay]; !ok {
		fmt.Printf("conformance: OVERLAY=%s is not one that the suite knows\n", *overlay)
		os.Exit(2)
	}
	*base = strings.TrimSuffix(*base, "/")
	os.Exit(m.Run())
}

// client follows no redirect: where a redirect leads is part of the contract. Many tests share its connections.
var client = &http.Client{
	Timeout:       30 * time.Second,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	body string
}

// call sends one request to the ingress. The header "Host" goes where net/http wants it.
func call(t *testing.T, method, path string, headers map[string]string, body string) answer {
	t.Helper()
	a, err := try(method, path, headers, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func try(method, path string, headers map[string]string, body string) (answer, error) {
	request, err := http.NewRequestWithContext(context.Background(), method, *base+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	request.Host = request.Header.Get("Host")
	response, err := client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	return answer{response, string(read)}, err
}

func get(t *testing.T, path string, headers map[string]string) answer {
	t.Helper()
	return call(t, http.MethodGet, path, headers, "")
}

// with returns the headers and one more.
func with(headers map[string]string, name, value string) map[string]string {
	more := map[string]string{name: value}
	for n, v := range headers {
		more[n] = v
	}
	return more
}

// hops is the JSON of GET /hops.
type hops struct {
	TraceID string         `json:"trace_id"`
	Hops    []hop          `json:"hops"`
	Time    map[string]any `json:"time"`
}

type hop struct {
	Service  string  `json:"service"`
	Version  string  `json:"version"`
	Host     string  `json:"host"`
	Upstream string  `json:"upstream"`
	Duration float64 `json:"duration_ms"`
	Code     int     `json:"code"`
}

func decode[T any](a answer) (T, error) {
	var v T
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		return v, fmt.Errorf("the %d answer is not JSON: %w: %s", a.StatusCode, err, a.body)
	}
	return v, nil
}

// eventually asks every tenth of a second until the condition holds, for 20 s at most.
func eventually(t *testing.T, condition func() bool) bool {
	t.Helper()
	end := time.After(20 * time.Second)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-end:
			return false
		}
	}
	return true
}

// tally makes n calls, eight at a time, and counts what each makes of its answer.
func tally(t *testing.T, n int, once func() (string, error)) map[string]int {
	t.Helper()
	var (
		counts = map[string]int{}
		mu     sync.Mutex
		wg     sync.WaitGroup
		work   = make(chan struct{}, n)
		first  error
	)
	for range n {
		work <- struct{}{}
	}
	close(work)
	for range 8 {
		wg.Go(func() {
			for range work {
				key, err := once()
				mu.Lock()
				if err != nil && first == nil {
					first = err
				}
				counts[key]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if first != nil {
		t.Fatal(first)
	}
	return counts
}

// fits compares counts with the shares that were asked for, by Pearson's χ² test. A share of 0 admits not one.
func fits(t *testing.T, what string, counts map[string]int, want map[string]float64) {
	t.Helper()
	n, total := 0, 0.0
	for key, count := range counts {
		n += count
		if want[key] == 0 {
			t.Errorf("%s: %d answers were %q, wanted none; all: %v", what, count, key, counts)
			return
		}
	}
	for _, share := range want {
		total += share
	}
	statistic, categories := 0.0, 0
	for key, share := range want {
		if share == 0 {
			continue
		}
		expected := float64(n) * share / total
		d := float64(counts[key]) - expected
		statistic += d * d / expected
		categories++
	}
	if categories < 2 {
		return
	}
	if p := (distuv.ChiSquared{K: float64(categories - 1)}).Survival(statistic); p < alpha {
		t.Errorf("%s: saw %v, wanted shares %v: χ² = %.1f, p = %.2g", what, counts, want, statistic, p)
	}
}
