package conformance

import (
	"os"
	"strings"
	"testing"
)

// TestMirror: middle-dev gets a copy of each request that everybody's rule routes, and the caller gets another version's response. A copy
// is a request like any other: middle-dev calls core for it. No copy is made of a request that another rule routes.
func TestMirror(t *testing.T) {
	t.Parallel()
	overlaid(t, "mirror")
	if *logs == "" {
		skip(t, "no LOGS given: what pods print is not read")
	}
	file, err := os.Stat(*logs)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(user string) (trace string, a answer) {
		trace = newID(16)
		a = get(t, page("/hops"), headers{"x-dev-user": user, "b3": trace + "-" + newID(8) + "-1"})
		if a.StatusCode != 200 {
			t.Fatalf("%d, wanted 200: %s", a.StatusCode, a.body)
		}
		return trace, a
	}
	requests := func(trace, service string) (versions []string) {
		for _, l := range linesOf(t, trace, file.Size()) {
			if l.Msg == "request" && l.Service == service {
				versions = append(versions, l.Version)
			}
		}
		return versions
	}
	tester, _ := ask("betaUser")
	for range 20 {
		trace, a := ask("nobody")
		if strings.Contains(a.body, "middle-dev") {
			t.Errorf("the response is that of the copy: %s", a.body)
		}
		var middle, core []string
		if !eventually(arrival, func() bool {
			middle, core = requests(trace, "middle"), requests(trace, "core")
			return len(middle) == 2 && len(core) == 2
		}) {
			t.Fatalf("trace %s: requests to versions %v of middle and %v of core, wanted the request and its copy", trace, middle, core)
		}
		if strings.Count(strings.Join(middle, " "), "dev") != 1 {
			t.Errorf("trace %s: versions %v of middle, wanted dev once", trace, middle)
		}
	}
	if middle := requests(tester, "middle"); len(middle) != 1 || middle[0] != "dev" { // a copy would have arrived before those
		t.Errorf("betaUser: versions %v of middle, wanted dev only, and no copy", middle)
	}
}
