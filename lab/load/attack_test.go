package load

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/hopline/hopline/lab/internal/tty"
)

func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func TestSteadyLoad(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if r.Header.Get("X-Dev-User") != "stressTest" || r.Method != http.MethodPost || r.Host != "shop.example" {
			t.Errorf("got %s %s %v", r.Method, r.Host, r.Header)
		}
		for name := range r.Header {
			if strings.HasPrefix(name, "X-Vegeta") {
				t.Errorf("the generator's own header %s was sent", name)
			}
		}
		if body, _ := io.ReadAll(r.Body); string(body) != "hello" {
			t.Errorf("got the body %q", body)
		}
		w.Header().Set("x-served-by", "front-amber/front-amber-5d-x2")
	}))
	r, err := run(t.Context(), t, server.URL, "--rate", "200", "--duration", "1s", "-H", "x-dev-user: stressTest", "-H", "Host: shop.example", "-X", "POST", "-d", "hello")
	if err != nil {
		t.Fatal(err)
	}
	if r.Planned != 200 || r.Sent != 200 || r.Answered != 200 || r.Errors != 0 || requests.Load() != 200 {
		t.Errorf("planned %d, sent %d, answered %d, errors %d; the server saw %d", r.Planned, r.Sent, r.Answered, r.Errors, requests.Load())
	}
	if r.AskedRate < 199 || r.AskedRate > 201 {
		t.Errorf("requested %v/s", r.AskedRate)
	}
	if len(r.Statuses) != 1 || r.Statuses[0].Status != 200 || r.Statuses[0].Percent != 100 {
		t.Errorf("statuses %+v", r.Statuses)
	}
	if len(r.Hops) != 1 || r.Hops[0].Service != "front" || r.Hops[0].Versions[0].Version != "amber" || r.Hops[0].Requests != 200 {
		t.Errorf("hops %+v", r.Hops)
	}
	if len(r.Slowest) != slowestKept {
		t.Errorf("%d slowest", len(r.Slowest))
	}
}

// TestAStalledSecondIsSeen checks that a server that stalls for a second is reported as slow for the requests that are due in that time,
// although a closed loop of one user would send no other request meanwhile.
func TestAStalledSecondIsSeen(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	var gate sync.RWMutex
	server := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if requests.Add(1) == 105 { // due 1.04 s after the start, however late it was sent
			gate.Lock()
			defer gate.Unlock()
			<-time.After(time.Second)
			return
		}
		gate.RLock()
		defer gate.RUnlock()
	}))
	r, err := run(t.Context(), t, server.URL, "--rate", "100", "--duration", "3s")
	if err != nil {
		t.Fatal(err)
	}
	// A third of the requests are due during the stall and wait between 0 and 1 s: 1 % of all wait longer than 0.97 s.
	if r.Latency.P99 < 900 || r.Latency.P90 < 600 || r.Latency.Max < 950 {
		t.Errorf("the second is not seen: %+v", r.Latency)
	}
	if in := r.Intervals[1]; in.At != 1 || in.Max < 900 {
		t.Errorf("the stall does not show at 1 s: %+v", r.Intervals)
	}
}

// TestTheStallIsSeenEvenWhenNothingMoreCanBeSent checks the same with a limit of requests in flight: those that could not be sent in time
// were late, and that counts.
func TestTheStallIsSeenEvenWhenNothingMoreCanBeSent(t *testing.T) {
	t.Parallel()
	var once sync.Once
	server := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		once.Do(func() { <-time.After(time.Second) })
	}))
	r, err := run(t.Context(), t, server.URL, "--rate", "50", "--duration", "2s", "--max-in-flight", "1")
	if err != nil {
		t.Fatal(err)
	}
	// Half of the requests were due while the only slot was taken.
	if r.Latency.P75 < 300 || r.Latency.P90 < 700 || r.Service.P90 > 500 {
		t.Errorf("latency %+v, once sent %+v", r.Latency, r.Service)
	}
	if r.Held || !strings.Contains(strings.Join(r.notes(), "\n"), "could not hold the rate") {
		t.Errorf("it claims to have held the rate: %+v", r)
	}
}

func TestARateThatCannotBeHeldIsToldOf(t *testing.T) {
	t.Parallel()
	server := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-time.After(50 * time.Millisecond) }))
	r, err := run(t.Context(), t, server.URL, "--rate", "200", "--requests", "100", "--max-in-flight", "2")
	if err != nil {
		t.Fatal(err)
	}
	if r.Held || r.HeldRate > 60 {
		t.Errorf("held: %v, %v/s, where 40/s are possible", r.Held, r.HeldRate)
	}
	if r.Latency.P99 < 1500 || r.Service.P99 > 1000 {
		t.Errorf("p99 %v ms, once sent %v ms", r.Latency.P99, r.Service.P99)
	}
}

func TestRequestsThatAreNeverSentAreErrors(t *testing.T) {
	t.Parallel()
	p := newPlan(10, 0, time.Second, 0, 0)
	p.began.Store(time.Now().Add(-3 * time.Second).UnixNano())
	rec := newRecorder(p, nil)
	for i := range 4 {
		rec.add(outcome{due: p.due(uint64(i)), code: 200})
	}
	r := (&running{Command: &Command{}, plan: p, rec: rec}).summary()
	if r.Planned != 10 || r.Sent != 4 || r.Errors != 6 || r.Held || r.Latency.Max < 2500 {
		t.Errorf("planned %d, sent %d, errors %d, held %v, max %v ms", r.Planned, r.Sent, r.Errors, r.Held, r.Latency.Max)
	}
}

func TestInterruptEndsEarlyWithTheReport(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	var n atomic.Int64
	ctx, interrupt := context.WithCancel(t.Context())
	server := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		switch n.Add(1) {
		case 50:
			interrupt()
		case 40: // one that would never end
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}
	}))
	defer close(release)
	start := time.Now()
	r, err := run(ctx, t, server.URL, "--rate", "100", "--duration", "1h")
	if err != nil {
		t.Fatal(err)
	}
	most := uint64(100*time.Since(start).Seconds()) + 1 // those due until the interrupt
	if !r.Early || r.Interrupted != 1 || r.Errors != 0 && r.Lateness.Max < ms(lateness)/2 || r.Answered < 49 || r.Planned > most {
		t.Errorf("early %v, interrupted %d, errors %d, answered %d of %d", r.Early, r.Interrupted, r.Errors, r.Answered, r.Planned)
	}
}

func TestRedirectsToOtherHostsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	other := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			http.Redirect(w, r, "/here", http.StatusFound)
		case "/away":
			http.Redirect(w, r, other.URL, http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		}
	}))
	for path, want := range map[string]int{"/": 200, "/away": 302, "/round": 302} {
		r, err := run(t.Context(), t, server.URL+path, "--rate", "100", "--requests", "5")
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Statuses) != 1 || r.Statuses[0].Status != want {
			t.Errorf("%s: statuses %+v, want %d", path, r.Statuses, want)
		}
		if away := r.Elsewhere == 5; away != (path == "/away") {
			t.Errorf("%s: %d redirects elsewhere", path, r.Elsewhere)
		}
	}
	if asked.Load() != 0 {
		t.Errorf("the other host got %d requests", asked.Load())
	}
}

func TestConnections(t *testing.T) {
	t.Parallel()
	for _, keep := range []bool{false, true} {
		var opened atomic.Int64
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
			if s == http.StateNew {
				opened.Add(1)
			}
		}
		server.Start()
		args := []string{server.URL, "--rate", "100", "--requests", "50"}
		if keep {
			args = append(args, "--keep-alive", "--max-in-flight", "1")
		}
		if _, err := run(t.Context(), t, args...); err != nil {
			t.Error(err)
		}
		server.Close()
		if n := opened.Load(); keep && n != 1 || !keep && n != 50 {
			t.Errorf("keep-alive %v: %d connections for 50 requests", keep, n)
		}
	}
}

// net/http would resend such a request by itself, and the loss of the first would not be reported.
func TestALostRequestIsNotSentAgain(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) > 1 {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_ = conn.Close()
			}
		}
	}))
	r, err := run(t.Context(), t, server.URL, "--rate", "20", "--requests", "11", "--keep-alive", "--max-in-flight", "1")
	if err != nil {
		t.Fatal(err)
	}
	if r.Errors != 10 || r.Answered != 1 || asked.Load() != 11 {
		t.Errorf("errors %d, answered %d, the server saw %d; failures %+v", r.Errors, r.Answered, asked.Load(), r.Failures)
	}
}

func TestTrouble(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	garbage, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var connections sync.WaitGroup
	connections.Go(func() {
		for {
			c, err := garbage.Accept()
			if err != nil {
				return
			}
			_, _ = http.ReadRequest(bufio.NewReader(c))
			_, _ = io.WriteString(c, "this is no HTTP\r\n\r\n")
			_ = c.Close()
		}
	})
	t.Cleanup(func() { _ = garbage.Close(); connections.Wait() })
	silent := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	endless := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}))
	for name, c := range map[string]struct{ url, want string }{
		"nobody listens": {nobody, "refused"},
		"no HTTP":        {"http://" + garbage.Addr().String(), "malformed"},
		"no response":    {silent.URL, "no response within 300ms"},
		"no end":         {endless.URL, "no response within 300ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := run(t.Context(), t, c.url, "--rate", "50", "--requests", "10", "--timeout", "300ms")
			if err != nil {
				t.Fatal(err)
			}
			if r.Errors != 10 || r.Answered != 0 || len(r.Failures) == 0 || len(r.Failures) > 2 || !strings.Contains(r.Failures[0].Reason, c.want) {
				t.Errorf("errors %d, answered %d, failures %+v", r.Errors, r.Answered, r.Failures)
			}
		})
	}
}

// TestFiguresAgreeWithVegeta checks that the same results give the same figures as vegeta's own metrics, within rounding. test/bench
// compares with vegeta's command, on one server.
func TestFiguresAgreeWithVegeta(t *testing.T) {
	t.Parallel()
	const requests = 2000
	p := newPlan(50, 0, requests/50*time.Second, 0, 0)
	p.began.Store(time.Now().UnixNano())
	ours := &running{Command: &Command{Rate: 50}, plan: p, target: newTarget(t.Context(), "x", false, 1), rec: newRecorder(p, nil)}
	var theirs vegeta.Metrics
	for n := range uint64(requests) {
		latency := time.Duration(20+60*(n%2))*time.Millisecond + time.Duration(n%97)*100*time.Microsecond
		result := &vegeta.Result{Seq: n, Code: uint16(200 + 300*(n%10/9)), Timestamp: p.start().Add(p.due(n)), Latency: latency}
		theirs.Add(result)
		ours.rec.add(ours.outcome(result))
	}
	theirs.Close()
	r := ours.summary()
	near := func(what string, ours, vegetas float64) {
		if math.Abs(ours-vegetas) > 0.01*vegetas {
			t.Errorf("%s: %v, vegeta has %v", what, ours, vegetas)
		}
	}
	near("p90", r.Latency.P90, ms(theirs.Latencies.P90))
	near("p95", r.Latency.P95, ms(theirs.Latencies.P95))
	near("p99", r.Latency.P99, ms(theirs.Latencies.P99))
	near("min", r.Latency.Min, ms(theirs.Latencies.Min))
	near("max", r.Latency.Max, ms(theirs.Latencies.Max))
	near("mean", r.Latency.Mean, ms(theirs.Latencies.Mean))
	near("success", 100-r.ErrorShare, 100*theirs.Success)
	near("sent", float64(r.Sent), float64(theirs.Requests))
	near("asked rate", r.AskedRate, theirs.Rate)
}

func TestProgressWithoutATerminalIsPlain(t *testing.T) {
	t.Parallel()
	p := newPlan(50, 0, time.Minute, 0, 0)
	p.began.Store(time.Now().Add(-10 * time.Second).UnixNano())
	rec := newRecorder(p, nil)
	rec.add(outcome{latency: 12 * time.Millisecond, code: 200})
	tgt := newTarget(t.Context(), "x", false, 1)
	tgt.sent.Store(499)
	g := &progress{plan: p, target: tgt, rec: rec}
	done, text := g.figures()
	if want := "49.9 of 50.0/s, 0 in flight, 0 errors, p50 12.0 ms p90 12.0 ms p99 12.0 ms"; done != 1 || text != want {
		t.Errorf("got %d %q, want %q", done, text, want)
	}
}

func TestProgressOnATerminalClearsItself(t *testing.T) {
	t.Parallel()
	server := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	c, err := parse(t, server.URL, "--rate", "100", "--duration", "1s")
	if err != nil {
		t.Fatal(err)
	}
	var report, bar bytes.Buffer
	if err := c.Execute(t.Context(), Output{Report: &report, Progress: tty.Screen{Out: tty.New(&bar), TTY: true}}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(bar.String(), "in flight") || !strings.Contains(bar.String(), "\r") {
		t.Errorf("no bar: %q", bar.String())
	}
	if strings.Contains(report.String(), "\r") || !strings.Contains(report.String(), "100 of 100 requests sent") {
		t.Errorf("report: %s", report.String())
	}
}

func ExampleCommand_Execute() {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	var report bytes.Buffer
	c := Command{URL: server.URL, Rate: 100, Duration: time.Second, Requests: 20, Method: http.MethodGet, Timeout: time.Second, MaxInFlight: 10}
	if err := c.Execute(context.Background(), Output{Report: &report}); err != nil {
		fmt.Println(err)
	}
	fmt.Println(strings.Contains(report.String(), "20 of 20 requests sent"))
	// Output: true
}

func TestTheBarFitsItsLine(t *testing.T) {
	t.Parallel()
	const figures = "50.0 of 50.0/s, 2 in flight, 0 errors, p50 1 ms p90 2 ms p99 3 ms"
	for columns, want := range map[int]string{
		0: figures, len(figures): figures, len(figures) - 1: "50.0 of 50.0/s, 2 in flight, 0 errors", 38: "50.0 of 50.0/s, 2 in flight, 0 errors", 20: "50.0 of 50.0/s", 3: "50.0 of 50.0/s",
	} {
		if got := fitting(figures, columns); got != want {
			t.Errorf("on %d columns %q, want %q", columns, got, want)
		}
	}
}
