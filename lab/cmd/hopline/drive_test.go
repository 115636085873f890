package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hopline/hopline/lab/internal/tty"
)

// drive runs `hopline drive` against the suite and returns its output.
func (s *suite) drive(args ...string) string {
	s.t.Helper()
	code, out := s.tryDrive(args...)
	if code != 0 {
		s.t.Fatalf("hopline drive %v: exit code %d: %s", args, code, out)
	}
	return out
}

func (s *suite) tryDrive(args ...string) (code int, out string) {
	return s.hopline(append([]string{"drive", "--console-port", s.consolePort()}, args...)...)
}

// hopline runs another command of hopline.
func (s *suite) hopline(args ...string) (code int, out string) {
	var text bytes.Buffer
	w := tty.New(&text)
	code = run(program{stop: context.Background(), now: context.Background(), args: args, out: w, err: w})
	return code, text.String()
}

func (s *suite) consolePort() string {
	s.t.Helper()
	u, err := url.Parse(s.urls["Console"])
	if err != nil {
		s.t.Fatal(err)
	}
	return u.Port()
}

// changes returns the list of temporary changes, without the times.
func (s *suite) changes() string {
	s.t.Helper()
	var list []string
	for _, line := range strings.Split(strings.TrimSpace(s.drive("list")), "\n") {
		list = append(list, strings.Join(strings.Fields(regexp.MustCompile(`\d\d:\d\d:\d\d`).ReplaceAllString(line, "")), " "))
	}
	return strings.Join(list, "\n")
}

const noChanges = "There are no temporary changes."

// TestDriveRules changes a rule in all ways, and checks what requests see, that a wrong change is rejected with the message for a saved
// file, that changes survive a save, and that undo restores what was there.
func TestDriveRules(t *testing.T) {
	t.Parallel()
	s := start(t, "canary", nil)
	file := filepath.Join(s.deploy, "overlays/canary/middle.yaml")

	s.drive("weight", "middle:everybody", "prod=50", "canary=50")
	s.sharesFollow()

	code, out := s.tryDrive("fault", "middle:everybody", "--abort=99")
	if want := "VirtualService hopline/middle: spec.http[1].fault.abort.httpStatus: want an HTTP status from 200 to 599, got 99"; code != 2 || !strings.Contains(out, want) {
		t.Errorf("a wrong status: exit code %d, %s, want 2 with %s", code, out, want)
	}
	if got, want := s.changes(), "1 middle everybody prod 50, canary 50"; got != want {
		t.Errorf("after a rejected change there are %q, want %q", got, want)
	}

	s.drive("fault", "middle:everybody", "--abort=418")
	if a := s.get("Page", "/hops"); a.status != 418 || !strings.Contains(a.body, "fault filter abort") {
		t.Errorf("with a fault of the rule: %d %s, want 418 of the mesh", a.status, a.body)
	}
	edit(t, file, "name: everybody", "name: everyone") // a save: the rule of both changes is gone
	s.waitFor("the dropped changes", func() bool { return strings.Contains(s.screen.String(), "aborts 100 % with 418: dropped: ") })
	edit(t, file, "name: everyone", "name: everybody")
	s.waitFor("the file as before", func() bool { return s.rule("everybody") })
	if got := s.changes(); got != noChanges {
		t.Errorf("after their rule was gone there are %q, want none", got)
	}

	s.drive("weight", "middle:everybody", "prod=100", "canary=0")
	saves := func() int { return strings.Count(s.screen.String(), "middle.yaml is live") }
	before := saves()
	edit(t, file, "weight: 80}", "weight: 0}") // the change survives a save of the same rule
	s.waitFor("the save", func() bool { return saves() > before })
	for range 10 {
		if who := s.hops(); !slices.ContainsFunc(who, func(w string) bool { return strings.HasPrefix(w, "middle-prod") }) {
			t.Fatalf("%v responded, want middle-prod only", who)
		}
	}
	s.drive("undo", "all")
	if who := s.hops(); !slices.ContainsFunc(who, func(w string) bool { return strings.HasPrefix(w, "middle-canary") }) {
		t.Errorf("%v responded after undo, want middle-canary, as the file has it", who)
	}
	s.otherRuleChanges()
}

// rule reports whether VirtualService middle has a rule.
func (s *suite) rule(name string) bool {
	s.t.Helper()
	var rule struct{ Rule string }
	return json.Unmarshal([]byte(s.get("Console", "/api/rule?object=middle&rule="+name).body), &rule) == nil && rule.Rule == name
}

// sharesFollow sends load and checks that the observed shares fit the changed rule, by the χ² test of hopline load.
func (s *suite) sharesFollow() {
	s.t.Helper()
	code, out := s.hopline("load", "--console-port", s.consolePort(), "--rate=100", "--duration=6s", "--json", s.urls["Page"]+"/hops")
	if code != 0 {
		s.t.Fatalf("hopline load: exit code %d: %s", code, out)
	}
	var report struct {
		Hops []struct {
			Service  string
			P        *float64
			Versions []struct {
				Version  string
				Expected *float64 `json:"expected_percent"`
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		s.t.Fatal(err)
	}
	for _, hop := range report.Hops {
		if hop.Service != "middle" {
			continue
		}
		for _, v := range hop.Versions {
			if v.Expected == nil || *v.Expected != 50 {
				s.t.Errorf("%s: the expected share is %v, want 50", v.Version, v.Expected)
			}
		}
		if len(hop.Versions) != 2 || hop.P == nil || *hop.P < 1e-4 {
			s.t.Errorf("the shares of middle are not those of the changed rule: %s", out)
		}
		return
	}
	s.t.Errorf("no request reached middle: %s", out)
}

// otherRuleChanges sets timeout, retries and mirror of a rule.
func (s *suite) otherRuleChanges() {
	s.t.Helper()
	for _, c := range []struct {
		args []string
		does string
	}{
		{[]string{"timeout", "middle:everybody", "2s"}, "timeout 2s"},
		{[]string{"retries", "middle:everybody", "3", "--on=5xx", "--per-try-timeout=1s"}, "3 retries on 5xx"},
		{[]string{"mirror", "middle:everybody", "middle/dev"}, "mirrors to middle dev"},
		{[]string{"fault", "middle:everybody", "--delay=10ms", "--percent=50"}, "delays 50 % by 10ms"},
	} {
		s.drive(c.args...)
		if state := s.get("Console", "/api/state").body; !strings.Contains(state, `"`+c.does+`"`) {
			s.t.Errorf("after %v the console's rules do not have %q", c.args, c.does)
		}
	}
	s.drive("undo", "all")
	for _, none := range []string{"timeout 2s", "3 retries", "mirrors to", "delays"} {
		if state := s.get("Console", "/api/state").body; strings.Contains(state, none) {
			s.t.Errorf("after undo the console's rules have %q", none)
		}
	}
}

// TestDriveRoutes changes each field of a rule of an HTTPRoute. A change for which an HTTPRoute has no field is rejected.
func TestDriveRoutes(t *testing.T) {
	t.Parallel()
	s := start(t, "gateway-api", nil)
	s.drive("weight", "middle:everybody", "middle-prod=50", "middle-canary=50")
	s.sharesFollow()
	for _, c := range []struct {
		args []string
		does string
	}{
		{[]string{"timeout", "middle:everybody", "2s"}, "timeout 2s"},
		{[]string{"retries", "middle:everybody", "3", "--on=502,503"}, "3 retries on connect-failure,refused-stream,unavailable,cancelled,502,503"},
		{[]string{"mirror", "middle:everybody", "middle-dev"}, "mirrors to middle-dev.hopline.svc.cluster.local "},
	} {
		s.drive(c.args...)
		if state := s.get("Console", "/api/state").body; !strings.Contains(state, `"`+c.does+`"`) {
			s.t.Errorf("after %v the console's rules do not have %q", c.args, c.does)
		}
	}
	s.drive("timeout", "middle:everybody", "2s", "--try=1s")
	if got, want := s.changes(), "1 middle everybody middle-prod 50, middle-canary 50\n3 middle everybody 3 retries on 502 503\n4 middle everybody mirrors to middle-dev\n2 middle everybody timeout 2s, of each try 1s"; got != want {
		t.Errorf("there are %q, want %q", got, want)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"fault", "middle:everybody", "--abort=503"}, "kind: an HTTPRoute has no field for faults: want weights, timeout, retries or mirror of HTTPRoute hopline/middle"},
		{[]string{"retries", "middle:everybody", "3", "--on=5xx"}, `--on: an HTTPRoute names each status: want codes such as 502,503, got "5xx"`},
		{[]string{"retries", "middle:everybody", "3", "--per-try-timeout=1s"}, "want hopline drive timeout middle:everybody TIME --try=1s"},
		{[]string{"mirror", "middle:everybody", "middle-dev", "--percent=12.5"}, "--percent: an HTTPRoute has whole percents"},
		{[]string{"mirror", "middle:everybody", "middle-dev:http"}, `mirror: want SERVICE or SERVICE:PORT, got "middle-dev:http"`},
	} {
		if code, out := s.tryDrive(c.args...); code != 2 || !strings.Contains(out, c.want) {
			t.Errorf("%v: exit code %d, %s, want 2 with %s", c.args, code, out, c.want)
		}
	}
	s.drive("undo", "all")
	if got := s.changes(); got != noChanges {
		t.Errorf("after undo there are %q, want none", got)
	}
}

// TestDriveWorkloads scales, stops, starts, kills and drains workloads, and sets faults of their services.
func TestDriveWorkloads(t *testing.T) {
	t.Parallel()
	s := start(t, "canary", nil)
	running := func(workload string) (n int) {
		for _, process := range s.pods(workload) {
			if process != 0 {
				n++
			}
		}
		return n
	}
	s.drive("scale", "middle-prod", "2")
	s.waitFor("a second replica", func() bool { return running("hopline/middle-prod") == 2 })
	s.drive("undo", "1")
	s.waitFor("one replica", func() bool { return running("hopline/middle-prod") == 1 })

	s.drive("stop", "core-test")
	s.waitFor("no replica", func() bool { return running("hopline/core-test") == 0 })
	s.drive("start", "core-test")
	s.waitFor("the replica", func() bool { return running("hopline/core-test") == 1 })
	if got := s.changes(); got != noChanges {
		t.Errorf("after start there are %q", got)
	}

	before := s.pods("hopline/clock")
	s.drive("kill", "clock")
	s.waitFor("a restart", func() bool {
		for pod, process := range s.pods("hopline/clock") {
			if was, same := before[pod]; same && process != 0 && process != was {
				return true
			}
		}
		return false
	})
	s.drive("drain", "core-test")
	s.waitFor("another pod", func() bool { return len(s.pods("hopline/core-test")) == 1 && running("hopline/core-test") == 1 })

	s.faults()
}

// faults sets the faults of a workload: at the replicas there are, and at one that starts later, until they are undone.
func (s *suite) faults() {
	s.t.Helper()
	rates := func() (list []string) {
		var now struct {
			Pods []struct {
				Pod   string
				Rates map[string]any
			}
		}
		if err := json.Unmarshal([]byte(s.get("Console", "/api/faults?workload=hopline/middle-prod").body), &now); err != nil {
			s.t.Fatal(err)
		}
		for _, p := range now.Pods {
			list = append(list, fmt.Sprint(p.Rates["error_rate"], " ", p.Rates["latency"]))
		}
		return list
	}
	if code, out := s.tryDrive("faults", "middle-prod", "--errors=101"); code != 2 || !strings.Contains(out, "error_rate: want a number from 0 to 100, got 101") {
		s.t.Errorf("a wrong rate: exit code %d, %s", code, out)
	}
	s.drive("faults", "middle-prod", "--errors=100", "--latency=5ms")
	if got := rates(); !slices.Equal(got, []string{"100 5ms"}) {
		s.t.Errorf("the faults are %v, want 100 %% and 5ms at one replica", got)
	}
	s.drive("scale", "middle-prod", "2")
	s.waitFor("the fault at a replica that starts later", func() bool { return slices.Equal(rates(), []string{"100 5ms", "100 5ms"}) })
	s.drive("kill", slices.Collect(keys(s.pods("hopline/middle-prod")))[0])
	s.waitFor("the fault after a restart", func() bool { return slices.Equal(rates(), []string{"100 5ms", "100 5ms"}) })
	s.drive("undo", "all")
	s.waitFor("the rates as before", func() bool { return slices.Equal(rates(), []string{"0 0s"}) })
}

func keys(pods map[string]int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range pods {
			if !yield(name) {
				return
			}
		}
	}
}

// TestDriveOutlier drives the overlay with a sick replica.
func TestDriveOutlier(t *testing.T) {
	t.Parallel()
	s := start(t, "outlier", nil)
	t.Run("heal", func(t *testing.T) { driveHeals(t, s.in(t)) })
	t.Run("keep faults", func(t *testing.T) { driveKeepsFaults(t, s.in(t)) })
}

// driveHeals: the sick replica is ejected; heal clears its fault and its ejection, and undo makes it sick again.
func driveHeals(t *testing.T, s *suite) {
	s.waitFor("the ejection", func() bool {
		_ = s.get("Page", "/hops")
		return len(s.ejections()) > 0
	})
	s.drive("heal", "core-sick")
	if got := s.ejections(); len(got) > 0 {
		t.Errorf("after heal there are ejections: %+v", got)
	}
	for range 40 {
		if a := s.get("Page", "/hops"); a.status != 200 {
			t.Fatalf("after heal: %d %s", a.status, a.body)
		}
	}
	s.drive("undo", "1")
	s.waitFor("another ejection", func() bool {
		_ = s.get("Page", "/hops")
		return len(s.ejections()) > 0
	})
}

// TestDriveOverlay switches the overlay under load: no request is lost.
func TestDriveOverlay(t *testing.T) {
	t.Parallel()
	s := start(t, "canary", nil)
	stop := make(chan struct{})
	var load sync.WaitGroup
	var mu sync.Mutex
	var lost []string
	sent := 0
	for range 4 {
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				a, err := s.try("Page", "/hops")
				mu.Lock()
				sent++
				if err != nil || a.status != 200 || strings.Contains(a.body, "upstream") {
					lost = append(lost, fmt.Sprint(err, a.status, a.body))
				}
				mu.Unlock()
			}
		})
	}
	active := func() string {
		var all struct{ Active string }
		if err := json.Unmarshal([]byte(s.get("Console", "/api/overlays").body), &all); err != nil {
			t.Fatal(err)
		}
		return all.Active
	}
	s.drive("weight", "middle:everybody", "prod=100", "canary=0")
	for _, name := range []string{"prod", "stress", "dev"} {
		if out := s.drive("overlay", name); name == "prod" && !strings.Contains(out, "dropped: ") {
			t.Errorf("the switch to prod says %q, want that the weights of middle are dropped", out)
		}
		if got := active(); got != name {
			t.Errorf("%s is active, want %s", got, name)
		}
	}
	s.drive("undo", "all")
	if got := active(); got != "canary" || s.changes() != noChanges {
		t.Errorf("after undo %s is active with %s, want canary without changes", got, s.changes())
	}
	close(stop)
	load.Wait()
	if len(lost) > 0 || sent < 20 {
		t.Errorf("%d of %d requests were lost, the first: %s", len(lost), sent, strings.Join(lost[:min(3, len(lost))], "\n"))
	}
	if code, out := s.tryDrive("overlay", "prdo"); code != 2 || !strings.Contains(out, "did you mean prod?") {
		t.Errorf("an unknown overlay: exit code %d, %s", code, out)
	}
	if code, out := s.tryDrive("overlay", "../../etc"); code != 2 || !strings.Contains(out, "want one of") {
		t.Errorf("a path: exit code %d, %s", code, out)
	}
}
