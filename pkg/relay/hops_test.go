package relay

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestHops: the own line is first, as text and as JSON, whatever the upstream returns.
func TestHops(t *testing.T) {
	t.Parallel()
	const behind = "took (8 ms) core-v2 --getRespondFrom--> http://clock/time\ntook (0.006 ms) clock-prod at 2026-01-02T03:04:05Z\n"
	core := Hop{Service: "core", Version: "v2", Host: "core-1", Upstream: "http://clock/time", DurationMS: 8, Code: 200}
	for name, c := range map[string]struct {
		code       int
		text, json string // of the upstream
		lines      string // after the own line
		want       Hops   // after the own hop
	}{
		"well":         {200, behind, `{"trace_id":"x","hops":[{"service":"core","version":"v2","host":"core-1","upstream":"http://clock/time","duration_ms":8,"code":200}],"time":{"datetime":"now"}}`, behind, Hops{Hops: []Hop{core}, Time: json.RawMessage(`{"datetime":"now"}`)}},
		"failing":      {500, "Internal Server Error\n", "Internal Server Error\n", "Internal Server Error\n", Hops{Error: "Internal Server Error"}},
		"empty":        {500, "", "", "", Hops{}},
		"not its JSON": {200, behind, `{"other":1}`, behind, Hops{Error: `{"other":1}`}},
		"not UTF-8":    {503, "\xff\n", "\xff\n", "\xff\n", Hops{Error: "\ufffd"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := upstream(t, func(w http.ResponseWriter, r *http.Request) {
				body := c.text
				if r.Header.Get("Accept") == "application/json" {
					body = c.json
				}
				w.WriteHeader(c.code)
				_, _ = w.Write([]byte(body))
			})
			u := newRig(t, Options{}).to(t, address)

			w := ask(u.Hops, "GET", "/hops")
			own, rest, _ := strings.Cut(w.Body.String(), "\n")
			if w.Code != c.code || rest != c.lines {
				t.Errorf("%d and %q, wanted %d and %q", w.Code, rest, c.code, c.lines)
			}
			if line := regexp.MustCompile(`^took \([0-9.]+ ms\) middle-v1 --getRespondFrom--> ` + address + `/hops$`); !line.MatchString(own) {
				t.Errorf("own line %q, wanted %s", own, line)
			}

			w = ask(u.Hops, "GET", "/hops", "Accept", "application/json")
			var got Hops
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != c.code {
				t.Fatalf("%d %s: %v", w.Code, w.Body, err)
			}
			want := c.want
			want.Hops = append([]Hop{{Service: "middle", Version: "v1", Host: "middle-1", Upstream: address + "/hops", Code: c.code}}, want.Hops...)
			if d := cmp.Diff(want, got, cmpopts.IgnoreFields(Hops{}, "TraceID"), ignoreOwnDuration()); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// ignoreOwnDuration ignores what differs from run to run: the duration of the hop under test.
func ignoreOwnDuration() cmp.Option {
	return cmp.FilterPath(func(p cmp.Path) bool {
		return len(p) > 2 && strings.HasSuffix(p.String(), "DurationMS") && strings.Contains(p.GoString(), "[0]")
	}, cmp.Ignore())
}

// TestHopsBounded: the hop reads an endless response only up to its limit.
func TestHopsBounded(t *testing.T) {
	t.Parallel()
	u := newRig(t, Options{}).to(t, upstream(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 100 {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}))
	w := ask(u.Hops, "GET", "/hops")
	if w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), "longer than 1 MiB") {
		t.Errorf("%d %.200s", w.Code, w.Body)
	}
}

// TestMillis covers durations as hop lines write them.
func TestMillis(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		12 * time.Millisecond: "12", 12345 * time.Microsecond: "12", 9999 * time.Microsecond: "9.999", 8300 * time.Microsecond: "8.3",
		6 * time.Microsecond: "0.006", 400 * time.Nanosecond: "0", 3 * time.Second: "3000", 0: "0",
	} {
		if got := Millis(d); got != want {
			t.Errorf("%v is %q, wanted %q", d, got, want)
		}
	}
}
