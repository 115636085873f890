package load

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/hopline/hopline/lab/internal/tty"
)

// sample returns a report in which every part occurs.
func sample(t *testing.T) *Report {
	t.Helper()
	e := canary(t)
	c := &Command{URL: DefaultURL + "?<script>", Rate: 100, Ramp: 2 * time.Second, Duration: 10 * time.Second, Method: "GET", Header: []string{"x-dev-user: <b>"}, FailIf: []string{"p99>1ms"}}
	p := newPlan(c.Rate, c.Ramp, c.Duration, 0, 0)
	p.began.Store(time.Now().Add(-c.Duration).UnixNano())
	rec := newRecorder(p, e)
	for i := range p.requests - 5 {
		o := outcome{due: p.due(uint64(i)), latency: time.Duration(i%97+3) * time.Millisecond, service: time.Duration(i%97+1) * time.Millisecond, late: 2 * time.Millisecond, code: 200, trace: "4bf92f3577b34da6"}
		o.hops = []hop{{"front", []string{"amber", "blue", "green"}[i%3], "front-" + []string{"amber", "blue", "green"}[i%3] + "-1-2", "http://middle/hops"}, {"middle", []string{"prod", "prod", "prod", "prod", "canary"}[i%5], "middle-x-1-2", ""}}
		switch i {
		case 100:
			o.code, o.trace = 503, "\x1b[31m<img>"
			o.latency = time.Second
		case 101:
			o.code, o.failure, o.latency = 0, "connection refused", 2*time.Second
		case 102:
			o.code, o.elsewhere = 302, true
		case 103:
			o.late = 300 * time.Millisecond
		}
		rec.add(o)
	}
	return (&running{Command: c, plan: p, rec: rec}).summary()
}

func TestTextReport(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := sample(t).writeText(&out); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.txt", out.Bytes())
}

// golden compares with a file of testdata; UPDATE_GOLDEN=1 writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestNoControlCharacterReachesTheTerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := sample(t).writeText(&out); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsRune(out.String(), '\x1b') {
		t.Error("an escape sequence of a response is in the report")
	}
}

func TestJSONReportSaysTheSame(t *testing.T) {
	t.Parallel()
	r := sample(t)
	var out bytes.Buffer
	if err := tty.WriteJSON(&out, r); err != nil {
		t.Fatal(err)
	}
	var again Report
	d := json.NewDecoder(&out)
	d.DisallowUnknownFields()
	if err := d.Decode(&again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*r, again); diff != "" {
		t.Errorf("after JSON (-before +after):\n%s", diff)
	}
}

// TestHTMLReportIsSelfContained checks that the file refers to no other, and that nothing in a response becomes markup.
func TestHTMLReportIsSelfContained(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "report.html")
	if err := writeHTML(path, sample(t)); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		count[n.Data]++
		for _, a := range n.Attr {
			if a.Key == "src" || a.Key == "href" || a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
			}
		}
	}
	for _, forbidden := range []string{"script", "img", "link", "iframe", "b", "object"} {
		if count[forbidden] > 0 {
			t.Errorf("%d <%s>", count[forbidden], forbidden)
		}
	}
	if count["svg"] != 3 || count["path"] != 4+3+1 || count["table"] != 6 {
		t.Errorf("%d pictures with %d lines, %d tables", count["svg"], count["path"], count["table"])
	}
	for _, want := range []string{"p99", "4bf92f3577b34da6", "connection refused", "canary", "--fail-if holds", "&lt;script&gt;", "url("} {
		if has := strings.Contains(string(content), want); has != (want != "url(") {
			t.Errorf("%q in the file: %v", want, has)
		}
	}
}

func TestPlotsOfNothingAreDrawn(t *testing.T) {
	t.Parallel()
	for _, p := range (&Report{}).plots() {
		if svg := string(p.SVG()); strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") || !strings.HasSuffix(svg, "</svg>") {
			t.Errorf("%s: %s", p.Title, svg)
		}
	}
}

func TestTimesAreShownInThreeDigits(t *testing.T) {
	t.Parallel()
	for in, want := range map[time.Duration]string{
		0: "0.00 ms", 1234 * time.Microsecond: "1.23 ms", 12345 * time.Microsecond: "12.3 ms", 123456 * time.Microsecond: "123 ms",
		1234 * time.Millisecond: "1234 ms", 12345 * time.Millisecond: "12.3 s",
	} {
		if got := milliseconds(in); got != want {
			t.Errorf("%v: %q, want %q", in, got, want)
		}
	}
}

func TestReasonsAreTheSameForEqualFailures(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`Get "http://127.0.0.1:1/": dial tcp 127.0.0.1:1: connect: connection refused`:                          "dial tcp 127.0.0.1:1: connect: connection refused",
		`Get "http://127.0.0.1:1/": read tcp 127.0.0.1:54321->127.0.0.1:1: read: connection reset by peer`:      "read tcp 127.0.0.1:1: read: connection reset by peer",
		`Get "http://127.0.0.1:1/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`: "no response within 3s",
		`context deadline exceeded (Client.Timeout or context cancellation while reading body)`:                 "no response within 3s",
		"unexpected EOF": "unexpected EOF",
	} {
		if got := reason(in, 3*time.Second); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
