package conformance

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// chain is what a call passes through: the share of each version of middle and core, and the time source.
type chain struct {
	middle, core shares
	time         string // host of the last hop's upstream
}

const (
	outside = "worldtimeapi.org" // core-prod always calls it
	clock   = "clock"            // core-test calls it
)

var (
	canarySplit = shares{"prod": 80, "canary": 20}
	byDefault   = chain{canarySplit, all("prod"), outside}
	stressed    = chain{canarySplit, all("test"), clock}
	canary      = map[string]chain{"": byDefault, "betaUser": {all("dev"), all("test"), clock}, "stressTest": stressed}
)

// rules is the contract's table: by overlay, then by x-dev-user; "" is every user without a rule.
var rules = map[string]map[string]chain{
	"canary":      canary,
	"retry":       canary,
	"split":       canary,
	"egress":      canary,
	"outlier":     canary,
	"fault":       canary,
	"timeout":     canary,
	"mirror":      canary,
	"circuit":     canary,
	"denied":      canary,
	"gateway-api": canary,
	"prod":        {"": {all("prod"), all("prod"), outside}},
	"dev":         {"": {all("dev"), all("prod"), outside}},
	"beta":        {"": byDefault, "betaUser": {all("canary"), all("prod"), outside}},
	"stress":      {"": byDefault, "stressTest": stressed},
	"plain":       {"": {all("prod"), all("test"), clock}},
}

// wanted returns an overlay's chain for a user.
func wanted(user string) chain {
	if c, named := rules[*overlay][user]; named {
		return c
	}
	return rules[*overlay][""]
}

// fronts returns front's variants, which share the load whatever the rules are.
func fronts() []string {
	if *overlay == "plain" {
		return []string{"amber"}
	}
	return []string{"amber", "blue", "green"}
}

// TestRouting checks every cell of the contract's table: which versions respond to whom, and in what shares. A name must match exactly: one
// similar to betaUser has no rule.
func TestRouting(t *testing.T) {
	t.Parallel()
	for _, cell := range [][]string{{"", "nobody", "betauser", "betaUser2", "abetaUser", "betaUser,stressTest"}, {"betaUser"}, {"stressTest"}} {
		t.Run("x-dev-user="+or(cell[0], "none or other"), func(t *testing.T) {
			t.Parallel()
			want := wanted(cell[0])
			n := max(want.middle.calls(), want.core.calls())
			var seen [4]map[string]int // front, middle, core, time source
			for i := range seen {
				seen[i] = map[string]int{}
			}
			for key, count := range tally(t, n, func(i int) (string, error) { return route(cell[i%len(cell)]) }) {
				for i, version := range strings.Fields(key) {
					seen[i][version] += count
				}
			}
			for _, version := range fronts() {
				if seen[0][version] == 0 {
					t.Errorf("front-%s responded to none of %d calls; the variants share the load: %v", version, n, seen[0])
				}
			}
			if len(seen[0]) != len(fronts()) {
				t.Errorf("front's versions are %v, wanted %v", seen[0], fronts())
			}
			fits(t, "middle", seen[1], want.middle)
			fits(t, "core", seen[2], want.core)
			fits(t, "time source", seen[3], all(want.time))
		})
	}
}

// route calls all hops and returns the versions of front, middle and core, and the host of the time source. The calls are not sampled,
// because there are so many.
func route(user string) (string, error) {
	h := headers{"Accept": "application/json", "x-b3-sampled": "0"}
	if user != "" {
		h["x-dev-user"] = user
	}
	a, err := try("GET", page("/hops"), h, "")
	if err != nil {
		return "", err
	}
	got, err := decode[hops](a)
	if err != nil {
		return "", err
	}
	if a.StatusCode != 200 || len(got.Hops) < 3 {
		return "", fmt.Errorf("%d with %d hops, wanted 200 and at least 3: %s", a.StatusCode, len(got.Hops), a.body)
	}
	upstream, err := url.Parse(got.Hops[2].Upstream)
	if err != nil {
		return "", err
	}
	return strings.Join([]string{got.Hops[0].Version, got.Hops[1].Version, got.Hops[2].Version, upstream.Hostname()}, " "), nil
}

// TestMinimalSplit: only v1, except in the overlay split, where v2 gets half, for callers outside and inside.
func TestMinimalSplit(t *testing.T) {
	t.Parallel()
	meshed(t)
	want := all("v1")
	if *overlay == "split" {
		want = shares{"v1": 50, "v2": 50}
	}
	for from, ask := range map[string]func(int) (string, error){
		"the ingress": func(int) (string, error) {
			a, err := try("GET", "/", headers{"Host": minimalHost, "x-b3-sampled": "0"}, "")
			if err != nil {
				return "", err
			}
			echo, err := decode[struct{ Version string }](a)
			return echo.Version, err
		},
		"a pod": func(int) (string, error) {
			b, err := bounce("http://minimal:9090", headers{"x-b3-sampled": "0"})
			by, _, _ := strings.Cut(b.Headers["X-Served-By"], "/")
			return strings.TrimPrefix(by, "minimal-"), err
		},
	} {
		t.Run("from "+from, func(t *testing.T) {
			t.Parallel()
			fits(t, "minimal", tally(t, want.calls(), ask), want)
		})
	}
}
