package load

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/hopline/hopline/lab/internal/await"
	"github.com/hopline/hopline/lab/internal/shipped/loaded"
)

// command returns a valid command for a target.
func command(target string, rate float64, duration time.Duration) *Command {
	return &Command{URL: target, Rate: rate, Duration: duration, Method: http.MethodGet, Timeout: 5 * time.Second, MaxInFlight: 100}
}

// TestRunInTheBackground: the figures grow while the run is in progress, and agree with the report at its end.
func TestRunInTheBackground(t *testing.T) {
	t.Parallel()
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("x-served-by", "front-amber/front-amber-1-2")
		w.Header().Set("x-b3-traceid", "4bf92f3577b34da6")
		if r.Header.Get("x-dev-user") != "stressTest" {
			t.Errorf("headers %v", r.Header)
		}
		w.WriteHeader(http.StatusTeapot)
	}))
	o, table := loaded.Overlay(t, "canary")
	c := command(server.URL+"/demo-app/hops", 100, 1500*time.Millisecond)
	c.Header = []string{"x-dev-user: stressTest"}
	r, err := Start(t.Context(), c, &Rules{o, table, "rules of the lab"}, func(trace string) string { return "/trace/" + trace })
	if err != nil {
		t.Fatal(err)
	}
	await.That(t, "some requests are done", func() bool { return r.Live().Done >= 20 })
	if r.Report() != nil {
		t.Error("there is a report before the end")
	}
	early := r.Live()
	if early.Errors == 0 || early.Sent < 20 || early.Planned != 150 || early.P99 <= 0 || len(early.Intervals) == 0 || early.Intervals[0].Sent == 0 {
		t.Errorf("after a while: %+v", early)
	}
	<-r.Ended()
	report, last := r.Report(), r.Live()
	if report.Sent != 150 || report.Errors != 150 || report.Rules != "rules of the lab" || len(report.Hops) != 1 || report.Hops[0].Versions[0].Expected == nil {
		t.Errorf("report: %+v", report)
	}
	if report.Slowest[0].Link != "/trace/4bf92f3577b34da6" || report.Failed[9].Link != report.Slowest[0].Link {
		t.Errorf("links: %+v and %+v", report.Slowest, report.Failed)
	}
	var sent, asked uint64
	for _, in := range last.Intervals {
		sent, asked = sent+in.Sent, asked+in.Asked
	}
	if last.Done != 150 || last.Sent != 150 || sent != 150 || asked != 150 || last.InFlight != 0 || last.Elapsed > 1.5 || last.Elapsed < 1.49 {
		t.Errorf("at the end: %d sent and %d asked in intervals, %+v", sent, asked, last)
	}
}

// TestRunIsStopped: the report of a stopped run states that it was stopped.
func TestRunIsStopped(t *testing.T) {
	t.Parallel()
	server := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r, err := Start(t.Context(), command(server.URL, 50, time.Hour), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	await.That(t, "a request is done", func() bool { return r.Live().Done > 0 })
	r.Stop()
	<-r.Ended()
	if report := r.Report(); !report.Early || report.Errors != 0 || report.Sent == 0 {
		t.Errorf("report: %+v", report)
	}
}

// TestRunEndsWithItsContext: requests in flight end immediately, not after the time that a stopped run gives them.
func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	server := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	ctx, cancel := context.WithCancel(t.Context())
	r, err := Start(ctx, command(server.URL, 50, time.Hour), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	await.That(t, "requests are in flight", func() bool { return r.Live().InFlight > 2 })
	begun := time.Now()
	cancel()
	<-r.Ended()
	if took := time.Since(begun); took >= grace {
		t.Errorf("the run ended after %v", took)
	}
	if report := r.Report(); report.Interrupted < 2 {
		t.Errorf("report: %+v", report)
	}
}

// TestCheckNamesSettings: the same checks serve other bounds than those of the command line.
func TestCheckNamesSettings(t *testing.T) {
	t.Parallel()
	c := command("nowhere", 2000, time.Hour)
	c.Header = []string{"x"}
	var got []string
	for _, p := range c.Check(Bounds{Rate: 1000, Duration: time.Minute, Requests: 60_000, InFlight: 100, Data: 10}) {
		got = append(got, p.Setting)
	}
	want := []string{"URL", "rate", "duration", "rate and --duration", "header"}
	if len(got) != len(want) {
		t.Fatalf("problems with %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("problem %d is with %q, want %q", i, got[i], want[i])
		}
	}
}
