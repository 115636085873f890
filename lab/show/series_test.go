package show

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/tty"
	"github.com/hopline/hopline/lab/traffic"
)

const begin = 1_800_000_000_000

// window returns the figures of 10 s of two versions, and of a host that no workload serves.
func window() traffic.Window {
	line := func(service, version, workload string, requests, errors []uint32, examples ...traffic.Example) traffic.LineWindow {
		l := traffic.LineWindow{Line: traffic.Line{Namespace: "hopline", Service: service, Version: version, Workload: workload}, Requests: requests, Errors: errors, Examples: examples}
		for i := range requests {
			l.P50, l.P99 = append(l.P50, int64(1000+i)), append(l.P99, int64(20_000+1000*i))
		}
		return l
	}
	example := func(second int64, took int64, status int) traffic.Example {
		return traffic.Example{At: begin + 1000*second, Took: took, Status: status, Failed: status == 0 || status >= 500, Trace: fmt.Sprintf("%032x", second)}
	}
	return traffic.Window{
		Begin: begin, Every: 5000, Keep: 180, Buckets: 2, LeftOut: 3,
		Lines: []traffic.LineWindow{
			line("core", "", "", []uint32{1, 0}, []uint32{1, 0}, example(1, 50, 0)),
			line("middle", "canary", "middle-canary", []uint32{0, 20}, []uint32{0, 5}, example(6, 3000, 200), example(7, 400, 500), example(8, 900, 503)),
			line("middle", "prod", "middle-prod", []uint32{40, 80}, []uint32{0, 0}, example(2, 21_000, 200), example(9, 2000, 200)),
		},
		Marks: []traffic.Mark{
			{At: begin - 1, Kind: traffic.RulesSaved, Text: "before"},
			{At: begin + 3000, Kind: traffic.Restarted, Service: "middle", Text: "middle-canary ended\x1b[2J\nfake"},
			{At: begin + 4000, Kind: traffic.FaultSet, Service: "core", Text: "core-prod: errors 20 %"},
			{At: begin + 5000, Kind: traffic.RulesSaved, Text: "live"},
		},
	}
}

// lab serves a window at the API of a lab, checks the time that it is asked for, and returns its port.
func lab(t *testing.T, w traffic.Window, last time.Duration) int {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, r *http.Request) {
		since, err := strconv.ParseInt(r.URL.Query().Get("since"), 10, 64)
		if ago := time.Since(time.UnixMilli(since)) - last - traffic.BucketLength; r.URL.Path != "/api/series" || err != nil || ago < -time.Second || ago > 10*time.Second {
			t.Errorf("the lab is asked for %s, want the last %s", r.URL, last)
		}
		json.NewEncoder(response).Encode(w)
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().(*net.TCPAddr).Port
}

// shown runs the command, and returns what it prints, with the seconds since begin in place of times.
func shown(t *testing.T, c Series, w traffic.Window, terminal bool) string {
	t.Helper()
	c.Console = current.Console{ConsolePort: lab(t, w, c.Last)}
	var out bytes.Buffer
	if err := c.Execute(t.Context(), tty.Screen{Out: tty.New(&out), TTY: terminal, Wide: 80}); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for second := range 11 {
		text = strings.ReplaceAll(text, clock(begin+1000*int64(second)), fmt.Sprintf("+%ds", second))
	}
	return text
}

func TestSeries(t *testing.T) {
	t.Parallel()
	trace := func(second int) string { return fmt.Sprintf("%032x", second) }
	const all = `+0s to +10s; p50 and p99 are the highest of 5s
                              requests  errors  p50     p99
  hopline/core (no workload)  0.1/s     100 %   1.0 ms  21 ms
  hopline/middle canary       2.0/s     25 %    1.0 ms  21 ms
  hopline/middle prod         12.0/s    0 %     1.0 ms  21 ms
! 3 more are not counted

marks
  +3s  restart  middle  middle-canary ended\x1b[2J
    | fake
  +4s  fault  core  core-prod: errors 20 %
  +5s  rules  live
`
	requests := `
failed and slow requests; hopline trace ID shows one
  +8s  ` + trace(8) + `    900 µs  hopline/middle canary  503
  +1s  ` + trace(1) + `     50 µs  hopline/core (no workload)  no response
  +2s  ` + trace(2) + `     21 ms  hopline/middle prod  200
  +6s  ` + trace(6) + `    3.0 ms  hopline/middle canary  200
`
	if diff := cmp.Diff(all+requests, shown(t, Series{Last: 5 * time.Minute}, window(), false)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if text := shown(t, Series{Last: time.Minute}, window(), true); !strings.Contains(text, "canary        ▂  2.0/s") || !strings.Contains(text, "prod         ▄█  12.0/s") {
		t.Errorf("in a terminal it prints\n%s", text)
	}
}

// TestSeriesOfOne names a service, a workload, and none that is there.
func TestSeriesOfOne(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct{ has, not string }{
		"middle":        {"middle prod ", "core"},
		"middle-canary": {"middle canary ", "prod"},
		"midle":         {"! no requests of midle in the last 5m; did you mean middle?\n", "to"},
	} {
		text := shown(t, Series{Last: 5 * time.Minute, Service: name}, window(), false)
		if !strings.Contains(text, want.has) || strings.Contains(text, want.not) || !strings.Contains(text, "+5s  rules  live\n") {
			t.Errorf("--service %s:\n%swant %q and no %q in it", name, text, want.has, want.not)
		}
	}
	var got traffic.Window
	if err := json.Unmarshal([]byte(shown(t, Series{Last: time.Minute, Service: "core", JSON: true}, window(), false)), &got); err != nil {
		t.Fatal(err)
	}
	want := window()
	want.Lines, want.Marks = want.Lines[:1], want.Marks[2:]
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("as JSON (-want +got):\n%s", diff)
	}
	none := shown(t, Series{Last: time.Hour, JSON: true}, traffic.Window{Lines: []traffic.LineWindow{}, Marks: []traffic.Mark{}}, false)
	if !strings.Contains(none, `"lines": []`) || !strings.Contains(none, `"marks": []`) {
		t.Errorf("without requests the JSON is %s", none)
	}
}

func TestSeriesBounds(t *testing.T) {
	t.Parallel()
	for last, want := range map[time.Duration]string{
		5 * time.Second: "", 15 * time.Minute: "",
		time.Second: "--last: want 5s to 15m, got 1s", time.Hour: "--last: want 5s to 15m, got 1h",
	} {
		if err := (&Series{Last: last}).Validate(); (err != nil) != (want != "") || err != nil && err.Error() != want {
			t.Errorf("%s: %v, want %q", last, err, want)
		}
	}
}
