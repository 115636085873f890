package conformance

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// bySickPod reports whether a response is from the sick pod of the overlay outlier, and the request did not request such a response.
func bySickPod(a answer, asked headers) bool {
	for name := range asked {
		if name = strings.ToLower(name); name == "fail" || strings.HasPrefix(name, "x-fault-") {
			return false
		}
	}
	return *overlay == "outlier" && a.StatusCode == http.StatusInternalServerError && a.Header.Get("x-fault-injected") == "core error"
}

// TestOutlier: one of four pods of core-prod responds only with errors. After a few, each caller ejects it, so that hardly any call fails,
// instead of a quarter. Once it has recovered, it is used again.
func TestOutlier(t *testing.T) {
	t.Parallel()
	overlaid(t, "outlier")
	quiet := 0
	ask := func() (host string, sick bool) {
		a, err := once("GET", page("/hops"), headers{"Accept": "application/json", "x-b3-sampled": "0"}, "")
		if err != nil {
			t.Fatal(err)
		}
		if sick = bySickPod(a, nil); sick {
			return "", true
		}
		h, err := decode[hops](a)
		if err != nil || len(h.Hops) < 3 {
			t.Fatalf("%d, %v: %s", a.StatusCode, err, a.body)
		}
		return h.Hops[2].Host, false
	}
	hosts := map[string]int{}
	failed := 0
	for ; quiet < 100; quiet++ { // by chance a hundred good responses in a row occur once in 3·10¹² trials
		host, sick := ask()
		if sick {
			quiet = -1
			if failed++; failed > 100 {
				t.Fatalf("%d calls reached the sick pod, and it is still called", failed)
			}
			continue
		}
		hosts[host]++
	}
	if len(hosts) != 3 {
		t.Errorf("the healthy pods of core-prod: %v, wanted three that share the load", hosts)
	}
	sick := adminOf(t, "core", "core-sick-")
	setFaults(t, sick, `{"error_rate":0}`)
	defer setFaults(t, sick, `{"error_rate":100}`)
	if !eventually(3*time.Minute, func() bool {
		host, _ := ask()
		return strings.HasPrefix(host, "core-sick-")
	}) {
		t.Error("the pod has recovered and is not called again")
	}
}

// setFaults changes a pod's faults through its admin port.
func setFaults(t *testing.T, admin, faults string) {
	t.Helper()
	if code, body := put(t, admin+"/faults", faults); code != 200 {
		t.Errorf("PUT /faults %s: %d %s, wanted 200", faults, code, body)
	}
}
