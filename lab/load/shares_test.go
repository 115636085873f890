package load

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/hopline/hopline/lab/internal/shipped/loaded"
)

// canary returns the expected shares of the canary overlay for requests without special headers.
func canary(t *testing.T) *expectation {
	t.Helper()
	e, err := (&Command{URL: DefaultURL, Method: http.MethodGet}).expect(loaded.Overlay(t, "canary"))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestHopsAreRead(t *testing.T) {
	t.Parallel()
	asJSON := http.Header{"Content-Type": {"application/json"}, "X-B3-Traceid": {"4bf92f3577b34da6a3ce929d0e0e4736"}, "X-Served-By": {"front-amber/front-amber-1-2"}}
	chain := `{"trace_id":"x","hops":[{"service":"front","version":"amber","host":"front-amber-1-2","upstream":"http://middle/hops","duration_ms":12.3,"code":200},{"service":"middle","version":"prod","host":"middle-prod-1-2"}],"time":{}}`
	both := []hop{{"front", "amber", "front-amber-1-2", "http://middle/hops"}, {"middle", "prod", "middle-prod-1-2", ""}}
	served := []hop{{Service: "front", Version: "amber", Host: "front-amber-1-2"}}
	for name, c := range map[string]struct {
		header http.Header
		body   string
		want   []hop
	}{
		"hop JSON": {asJSON, chain, both},
		"with a clock": {asJSON, strings.Replace(chain, `"time":{}`, `"time":{"service":"clock","version":"prod","host":"clock-1-2","unixtime":3}`, 1),
			append(slices.Clone(both), hop{"clock", "prod", "clock-1-2", ""})},
		"a time of others": {asJSON, strings.Replace(chain, `"time":{}`, `"time":{"timezone":"Asia/Jakarta","host":3}`, 1), both},
		"other JSON":       {asJSON, `{"hops":"none"}`, served},
		"no JSON":          {asJSON, `{`, served},
		"text":             {http.Header{"X-Served-By": {"front-amber/front-amber-1-2"}}, "took …", served},
		"nobody":           {http.Header{}, "", nil},
		"no slash":         {http.Header{"X-Served-By": {"nonsense"}}, "", nil},
	} {
		got, trace := readHops(c.header, []byte(c.body))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if want := c.header.Get("x-b3-traceid"); trace != want {
			t.Errorf("%s: trace %q, want %q", name, trace, want)
		}
	}
}

// TestExpectedSharesFollowTheRules checks that the expected shares of the canary overlay follow its table of rules.
func TestExpectedSharesFollowTheRules(t *testing.T) {
	t.Parallel()
	front := map[version]float64{{"front", "amber"}: 1.0 / 3, {"front", "blue"}: 1.0 / 3, {"front", "green"}: 1.0 / 3}
	for _, c := range []struct {
		overlay, user string
		middle, core  map[version]float64
	}{
		{"canary", "", map[version]float64{{"middle", "prod"}: .8, {"middle", "canary"}: .2}, map[version]float64{{"core", "prod"}: 1}},
		{"canary", "betaUser", map[version]float64{{"middle", "dev"}: 1}, map[version]float64{{"core", "test"}: 1}},
		{"canary", "stressTest", map[version]float64{{"middle", "prod"}: .8, {"middle", "canary"}: .2}, map[version]float64{{"core", "test"}: 1}},
		{"prod", "betaUser", map[version]float64{{"middle", "prod"}: 1}, map[version]float64{{"core", "prod"}: 1}},
	} {
		t.Run(c.overlay+" "+c.user, func(t *testing.T) {
			t.Parallel()
			command := &Command{URL: DefaultURL, Method: http.MethodGet}
			if c.user != "" {
				command.Header = []string{"x-dev-user: " + c.user}
			}
			e, err := command.expect(loaded.Overlay(t, c.overlay))
			if err != nil {
				t.Fatal(err)
			}
			middle := e.next(hop{"front", "amber", "front-amber-1-2", "http://middle/hops"})
			core := e.next(hop{"middle", "prod", "middle-prod-1-2", "http://core/hops"})
			for _, x := range []struct{ want, got map[version]float64 }{{front, e.first()}, {c.middle, middle}, {c.core, core}} {
				if diff := cmp.Diff(x.want, x.got, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
					t.Errorf("shares (-want +got):\n%s", diff)
				}
			}
			for _, nothing := range []hop{{}, {"front", "amber", "front-amber-1-2", ""}, {"front", "amber", "front-amber-1-2", "::"}, {"nobody", "amber", "x", "http://middle/"},
				{"front", "amber", "front-amber-1-2", "http://nowhere/"}, {"front", "amber", "front-amber-1-2", "http://middle:99999999/"}} {
				if got := e.next(nothing); got != nil {
					t.Errorf("%+v: expected %v", nothing, got)
				}
			}
		})
	}
}

// send adds the hops of n requests with a share of canary for middle.
func send(s *shares, n int, share float64) {
	random := rand.New(rand.NewPCG(1, 2))
	for range n {
		front := []string{"amber", "blue", "green"}[random.IntN(3)]
		middle := "prod"
		if random.Float64() < share {
			middle = "canary"
		}
		s.add([]hop{
			{"front", front, fmt.Sprintf("front-%s-5d4f-%d", front, random.IntN(9)), "http://middle/hops"},
			{"middle", middle, "middle-" + middle + "-5d4f-x", ""},
		})
	}
}

func TestSharesAreJudged(t *testing.T) {
	t.Parallel()
	e := canary(t)
	for _, c := range []struct {
		n       int
		share   float64
		verdict string
	}{
		{20000, .20, fits}, {20000, .24, fitsNot}, {20000, 0, fitsNot}, {3, .2, tooFew},
	} {
		s := newShares(e)
		send(s, c.n, c.share)
		r := s.report()
		if len(r) != 2 || r[0].Service != "front" || len(r[0].Versions) != 3 || r[1].Service != "middle" || len(r[1].Versions) != 2 {
			t.Fatalf("report %+v", r)
		}
		if r[1].Verdict != c.verdict {
			t.Errorf("%d requests with a share of %v: %s", c.n, c.share, r[1].Fit())
		}
		if c.n > 1000 && r[0].Verdict != fits {
			t.Errorf("front: %s", r[0].Fit())
		}
		if v := r[1].Versions[0]; v.Version != "canary" || v.Expected == nil || *v.Expected < 19.99 || *v.Expected > 20.01 {
			t.Errorf("version %+v", v)
		}
	}
}

// TestAVersionThatMustNotComeDoesNotFit checks that a version that the rules never route to is reported, however rarely it responds.
func TestAVersionThatMustNotComeDoesNotFit(t *testing.T) {
	t.Parallel()
	e := canary(t)
	s := newShares(e)
	send(s, 20000, .2)
	s.add([]hop{{"front", "amber", "front-amber-5d4f-1", "http://middle/hops"}, {"middle", "dev", "middle-dev-5d4f-x", ""}})
	if r := s.report(); r[1].Verdict != fitsNot || len(r[1].Versions) != 3 {
		t.Errorf("got %+v", r[1])
	}
}

func TestNothingIsExpectedWithoutAnOverlay(t *testing.T) {
	t.Parallel()
	s := newShares(nil)
	send(s, 100, .2)
	for _, h := range s.report() {
		if h.Verdict != noneKnown || h.P != nil || h.Versions[0].Expected != nil {
			t.Errorf("got %+v", h)
		}
	}
}

func TestSharesAreBounded(t *testing.T) {
	t.Parallel()
	s := newShares(nil)
	for i := range 10 * maxPaths {
		name := fmt.Sprint(i)
		s.add([]hop{{Service: name, Version: name, Host: name}, {Service: name, Version: name}})
	}
	if len(s.ways) > maxPaths || s.dropped == 0 {
		t.Errorf("%d ways, %d dropped", len(s.ways), s.dropped)
	}
}
