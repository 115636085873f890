package up

import (
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/internal/podlog"
)

func TestLogLinesAreReadable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"level":"info","ts":"2026-01-02T03:04:05Z","caller":"a.go:1","msg":"request","service":"front","version":"blue","code":200,"path":"/a b","user":"","ok":true,"trace_id":"463a"}`: `INFO request code=200 ok=true path="/a b" trace_id=463a user=""`,
		`{"msg":"big","n":12345678901234567890,"list":[1,"x"]}`: `big list=[1,"x"] n=12345678901234567890`,
		`{"level":"info"}`:       `{"level":"info"}`,
		"panic: something":       "panic: something",
		`"just a text"`:          `"just a text"`,
		`{"msg":"cut in the mid`: `{"msg":"cut in the mid`,
	} {
		if got := readable(text); got != want {
			t.Errorf("readable(%s)\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestLogsOfChosenWorkloads(t *testing.T) {
	t.Parallel()
	lines := func(l Logs) string {
		var out []string
		for _, d := range []string{"hopline/middle-prod", "hopline/middle-canary", "hopline/clock", "hopline/front-blue"} {
			if l.wants(d) {
				out = append(out, strings.TrimPrefix(d, "hopline/"))
			}
		}
		return strings.Join(out, " ")
	}
	for _, c := range []struct {
		logs Logs
		want string
	}{
		{Logs{}, ""},
		{Logs{On: true}, "middle-prod middle-canary clock front-blue"},
		{Logs{On: true, Of: []string{"middle"}}, "middle-prod middle-canary"},
		{Logs{On: true, Of: []string{"clock", "hopline/middle-canary"}}, "middle-canary clock"},
		{Logs{On: true, Of: []string{"front-blue"}}, "front-blue"},
		{Logs{On: true, Of: []string{"front-b"}}, ""},
	} {
		if got := lines(c.logs); got != c.want {
			t.Errorf("%+v shows %q, want %q", c.logs, got, c.want)
		}
	}
	line := podlog.Line{Pod: "front", Deployment: "hopline/front", Text: `{"level":"info","msg":"request"}`}
	if text, asJSON := (Logs{}).text(line), (Logs{JSON: true}).text(line); text != "INFO request" || asJSON != line.Text {
		t.Errorf("as text %q, as JSON %q", text, asJSON)
	}
}
