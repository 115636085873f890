package logs

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/console"
	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/podlog"
	"github.com/hopline/hopline/lab/internal/tty"
	"github.com/hopline/hopline/lab/internal/usage"
	"github.com/hopline/hopline/lab/internal/workload"
	"github.com/hopline/hopline/lab/mesh/proxy"
)

// lab is a console.Source that has only output.
type lab struct {
	console.Source
	logs *podlog.Logs
}

func (l lab) Logs() *podlog.Logs               { return l.logs }
func (lab) Edition() console.Edition           { return console.Edition{} }
func (lab) Pods() []workload.Status            { return nil }
func (lab) Deployments() []workload.Deployment { return nil }
func (lab) Ejections() []proxy.Ejection        { return nil }

const traceID = "4bf92f3577b34da6a3ce929d0e0e4736"

// run serves a console with lines of two workloads, and returns its port.
func run(t *testing.T) (l lab, port int) {
	t.Helper()
	l = lab{logs: podlog.New()}
	l.write("front-blue", `{"level":"INFO","msg":"request","code":200,"trace_id":"`+traceID+`"}`)
	l.write("middle-prod", `{"level":"ERROR","msg":"request","code":500,"trace_id":"`+traceID+`"}`)
	l.write("middle-prod", "panic: boom")
	server := httptest.NewServer(console.New(l, nil, console.Driving{}))
	t.Cleanup(server.Close)
	return l, server.Listener.Addr().(*net.TCPAddr).Port
}

func (l lab) write(deployment, text string) {
	l.logs.Add(podlog.NewLine(deployment+"-1", "hopline/"+deployment, text))
}

// withoutTimes removes the time at the beginning of each line.
func withoutTimes(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if len(line) > 13 && line[2] == ':' {
			line = line[13:]
		}
		b.WriteString(line)
	}
	return b.String()
}

func TestLast(t *testing.T) {
	t.Parallel()
	l, port := run(t)
	const (
		one   = "front-blue-1 | INFO request code=200 trace_id=" + traceID + "\n"
		two   = "middle-prod-1 | ERROR request code=500 trace_id=" + traceID + "\n"
		three = "middle-prod-1 | panic: boom\n"
	)
	for name, test := range map[string]struct {
		command Command
		want    string
	}{
		"all":      {Command{Limit: 10}, one + two + three},
		"limit":    {Command{Limit: 1}, three},
		"workload": {Command{Limit: 10, Workload: "front"}, one},
		"level":    {Command{Limit: 10, Level: "error"}, two + three},
		"trace":    {Command{Limit: 10, Trace: traceID}, one + two},
		"text":     {Command{Limit: 10, Text: "BOOM"}, three},
		"nothing":  {Command{Limit: 10, Workload: "middle-prd"}, "! no line matches\n"},
	} {
		var out bytes.Buffer
		test.command.ConsolePort = port
		if err := test.command.Execute(t.Context(), tty.Screen{Out: tty.New(&out)}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := withoutTimes(out.String()); got != test.want {
			t.Errorf("%s:\n%swant\n%s", name, got, test.want)
		}
	}
	bad := Command{Limit: 10, Level: "loud", Console: current.Console{ConsolePort: port}}
	if err := bad.Execute(t.Context(), tty.Screen{Out: tty.New(io.Discard)}); !usage.Is(err) || !strings.HasPrefix(err.Error(), `level: want debug`) {
		t.Errorf("--level loud: %v", err)
	}

	// What a process writes cannot move the cursor, nor look like a line of another process.
	l.write("front-blue", "evil \x1b]0;title\a\u202e")
	l.write("front-blue", `{"level":"\u001b[2Jinfo","msg":"one\n10:00:00.000 core-prod-1 | forged","\u001b[1m":"x\r\ny"}`)
	var out bytes.Buffer
	last := Command{Limit: 2, Console: current.Console{ConsolePort: port}}
	if err := last.Execute(t.Context(), tty.Screen{Out: tty.New(&out)}); err != nil {
		t.Fatal(err)
	}
	const want = `front-blue-1 | evil \x1b]0;title\a\u202e
front-blue-1 | \x1b[2JINFO one
    | 10:00:00.000 core-prod-1 | forged \x1b[1m=x\r
    | y
`
	if got := withoutTimes(out.String()); got != want {
		t.Errorf("hostile lines are printed as\n%q, want\n%q", got, want)
	}
}

func TestColours(t *testing.T) {
	t.Parallel()
	_, port := run(t)
	var out bytes.Buffer
	c := Command{Limit: 10, Level: "error", Console: current.Console{ConsolePort: port}}
	if err := c.Execute(t.Context(), tty.Screen{Out: tty.New(&out), Colour: true}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "\x1b[31mERROR\x1b[0m") {
		t.Errorf("%q has no red ERROR", out.String())
	}
}

func TestNoLab(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	c := Command{Limit: 10, Console: current.Console{ConsolePort: port}}
	if err := c.Execute(t.Context(), tty.Screen{Out: tty.New(io.Discard)}); err == nil || !strings.Contains(err.Error(), "no lab at http://127.0.0.1:"+strconv.Itoa(port)+": ") {
		t.Errorf("without a lab: %v", err)
	}
}

// TestFollow checks that each new line is printed until the user stops, as text and as JSON.
func TestFollow(t *testing.T) {
	t.Parallel()
	for _, json := range []bool{false, true} {
		l, port := run(t)
		reader, writer := io.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			c := Command{Limit: 1, Workload: "middle", Follow: true, JSON: json, Console: current.Console{ConsolePort: port}}
			ended <- c.Execute(ctx, tty.Screen{Out: tty.New(writer)})
			writer.Close()
		}()
		read := func(want string) {
			t.Helper()
			text := make([]byte, 4096)
			n, err := reader.Read(text)
			if err != nil || !strings.Contains(string(text[:n]), want) {
				t.Errorf("it prints %q, %v; want %q in it", text[:n], err, want)
			}
		}
		read("panic: boom")
		l.write("front-blue", "another's")
		l.write("middle-prod", "next \x1b[2J")
		if json {
			read(`"message":"next \u001b[2J"`)
		} else {
			read(`middle-prod-1 | next \x1b[2J`)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("stopped by the user: %v", err)
		}
	}
}

// TestMissed checks that a slow reader gets the number of lines that it missed.
func TestMissed(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := printer{Screen: tty.Screen{Out: tty.New(&out)}}
	err := p.follow(strings.NewReader("retry: 1000\n\nid: 7\ndata: {\"lines\":[],\"missed\":12}\n\n"))
	if got := out.String(); got != "! 12 lines were missed: the reader is too slow\n" || err == nil || err.Error() != "the lab has ended" {
		t.Errorf("%q, %v", got, err)
	}
}
