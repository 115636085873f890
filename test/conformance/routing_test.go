package conformance

import (
	"fmt"
	"testing"
)

// users are the values of x-dev-user that the rules tell apart, and one that they do not.
var users = []string{"", "nobody", "betaUser", "stressTest"}

// chain is what one user's calls meet on their way: the share of each version of middle and core, and who tells the time.
type chain struct {
	middle, core map[string]float64
	time         string // host of the last hop's upstream
}

var (
	canarySplit = map[string]float64{"prod": 80, "canary": 20}
	all         = func(version string) map[string]float64 { return map[string]float64{version: 100} }
	byDefault   = chain{canarySplit, all("prod"), "worldtimeapi.org"}
	inCanary    = map[string]chain{
		"betaUser":   {all("dev"), all("test"), "clock"},
		"stressTest": {canarySplit, all("test"), "clock"},
	}
)

// rules is the contract's table: by overlay, then by user; "" is everybody else.
var rules = map[string]map[string]chain{
	"canary":  {"": byDefault, "betaUser": inCanary["betaUser"], "stressTest": inCanary["stressTest"]},
	"retry":   {"": byDefault, "betaUser": inCanary["betaUser"], "stressTest": inCanary["stressTest"]},
	"split":   {"": byDefault, "betaUser": inCanary["betaUser"], "stressTest": inCanary["stressTest"]},
	"egress":  {"": byDefault, "betaUser": inCanary["betaUser"], "stressTest": inCanary["stressTest"]},
	"outlier": {"": byDefault, "betaUser": inCanary["betaUser"], "stressTest": inCanary["stressTest"]},
	"prod":    {"": {all("prod"), all("prod"), "worldtimeapi.org"}},
	"dev":     {"": {all("dev"), all("prod"), "worldtimeapi.org"}},
	"beta":    {"": byDefault, "betaUser": {all("canary"), all("prod"), "worldtimeapi.org"}},
	"stress":  {"": byDefault, "stressTest": {canarySplit, all("test"), "clock"}},
}

// front's three variants share the load whatever the rules say.
var fronts = map[string]float64{"amber": 1, "blue": 1, "green": 1}

// TestRouting holds every cell of the contract's table: which versions answer whom, and in what shares.
func TestRouting(t *testing.T) {
	for _, user := range users {
		t.Run("x-dev-user="+or(user, "none"), func(t *testing.T) {
			want, ok := rules[*overlay][user]
			if !ok {
				want = rules[*overlay][""]
			}
			headers := map[string]string{"Accept": "application/json"}
			if user != "" {
				headers["x-dev-user"] = user
			}
			seen := [4]map[string]int{{}, {}, {}, {}}
			counts := tally(t, *samples, func() (string, error) {
				a, err := try("GET", "/demo-app/hops", headers, "")
				if err != nil {
					return "", err
				}
				h, err := decode[hops](a)
				if err != nil {
					return "", err
				}
				if a.StatusCode != 200 || len(h.Hops) < 3 {
					return "", fmt.Errorf("%d with %d hops, wanted 200 and at least 3: %s", a.StatusCode, len(h.Hops), a.body)
				}
				return h.Hops[0].Version + " " + h.Hops[1].Version + " " + h.Hops[2].Version + " " + hostOf(h.Hops[2].Upstream), nil
			})
			for key, n := range counts {
				var versions [4]string
				fmt.Sscan(key, &versions[0], &versions[1], &versions[2], &versions[3])
				for i, v := range versions {
					seen[i][v] += n
				}
			}
			for version := range fronts {
				if seen[0][version] == 0 {
					t.Errorf("front-%s answered none of %d calls; the variants share the load: %v", version, *samples, seen[0])
				}
			}
			fits(t, "middle", seen[1], want.middle)
			fits(t, "core", seen[2], want.core)
			fits(t, "time source", seen[3], all(want.time))
		})
	}
}

// TestMinimalSplit: v1 alone, but in the overlay split, where v2 takes half.
func TestMinimalSplit(t *testing.T) {
	want := all("v1")
	if *overlay == "split" {
		want = map[string]float64{"v1": 50, "v2": 50}
	}
	counts := tally(t, *samples, func() (string, error) {
		a, err := try("GET", "/", map[string]string{"Host": "minimal.svc.kind.org"}, "")
		if err != nil {
			return "", err
		}
		echo, err := decode[struct{ Version string }](a)
		return echo.Version, err
	})
	fits(t, "minimal", counts, want)
}

// TestRetry: seven of ten answers of bounced are errors; the overlay retry hides nearly all of them, ten retries at the ingress,
// and elsewhere the caller sees them all, since a plain 500 is not retried by default.
func TestRetry(t *testing.T) {
	failing := 0.7
	if *overlay == "retry" {
		for range 10 {
			failing *= 0.7
		}
	}
	counts := tally(t, *samples, func() (string, error) {
		a, err := try("GET", "/", map[string]string{"Host": "bounced.svc.kind.org"}, "")
		if err != nil {
			return "", err
		}
		return fmt.Sprint(a.StatusCode), nil
	})
	fits(t, "bounced at 70 per cent errors", counts, map[string]float64{"200": 1 - failing, "500": failing})
}
