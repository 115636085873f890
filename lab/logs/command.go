// Package logs implements `hopline logs`: it prints the output of the processes of the running lab.
package logs

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/console"
	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/tty"
)

// Command is the command line of `hopline logs`, for kong. Execute runs it.
type Command struct {
	Text string `arg:"" optional:"" help:"Only lines with this text, in upper or lower case."`

	Workload string `short:"w" placeholder:"NAME" help:"Only lines of this Deployment (middle-canary), app (middle) or pod."`
	Level    string `short:"l" placeholder:"LEVEL" help:"Only lines of this level or a more severe one: debug, info, warn, error, fatal. Lines without a level are always shown."`
	Trace    string `short:"t" placeholder:"ID" help:"Only lines of this trace."`
	Follow   bool   `short:"f" help:"Show each new line, until Ctrl-C."`
	Limit    int    `short:"n" default:"200" help:"How many of the last lines, 1 to 1000 (${default})."`
	JSON     bool   `name:"json" help:"Print each line as JSON."`

	current.Console
}

// maxEvent bounds one event in bytes: 100 lines of 16 KiB, escaped.
const maxEvent = 16 << 20

// Execute prints the last lines, and with --follow each new one until ctx ends.
func (c *Command) Execute(ctx context.Context, screen tty.Screen) error {
	path := "/api/logs"
	if c.Follow {
		path = "/api/logs/follow"
	}
	response, err := current.Get(ctx, c.ConsolePort, path+"?"+c.query().Encode())
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return current.Problem(response)
	}
	p := printer{Screen: screen, json: c.JSON}
	if !c.Follow {
		var lines console.Lines
		if err := json.NewDecoder(response.Body).Decode(&lines); err != nil {
			return fmt.Errorf("%s: %w", response.Request.URL, err)
		}
		if len(lines.Lines) == 0 && !c.JSON {
			return p.Out.Print(p.Paint(tty.Yellow, "! no line matches\n"))
		}
		return p.print(lines)
	}
	err = p.follow(response.Body)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (c *Command) query() url.Values {
	values := url.Values{"limit": {strconv.Itoa(c.Limit)}}
	for name, value := range map[string]string{"text": c.Text, "workload": c.Workload, "level": c.Level, "trace": c.Trace} {
		if value != "" {
			values.Set(name, value)
		}
	}
	return values
}

// printer prints lines to a terminal.
type printer struct {
	tty.Screen
	json bool
}

// follow prints the events of a stream until it ends.
func (p *printer) follow(stream io.Reader) error {
	events := bufio.NewScanner(stream)
	events.Buffer(nil, maxEvent)
	for events.Scan() {
		data, ok := strings.CutPrefix(events.Text(), "data: ")
		if !ok {
			continue
		}
		var lines console.Lines
		if err := json.Unmarshal([]byte(data), &lines); err != nil {
			return fmt.Errorf("an event of the lab: %w", err)
		}
		if err := p.print(lines); err != nil {
			return err
		}
	}
	if err := events.Err(); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return errors.New("the lab has ended")
}

func (p *printer) print(lines console.Lines) error {
	for _, line := range lines.Lines {
		if err := p.line(line); err != nil {
			return err
		}
	}
	if lines.Missed > 0 {
		return p.Out.Print(p.Paint(tty.Yellow, fmt.Sprintf("! %d lines were missed: the reader is too slow\n", lines.Missed)))
	}
	return nil
}

// line prints "15:04:05.000 middle-prod-5d4f-x | ERROR request code=500 trace_id=…".
func (p *printer) line(line console.LogLine) error {
	if p.json {
		text, err := json.Marshal(line)
		if err != nil {
			return err
		}
		return p.Out.Print(tty.Text(string(text) + "\n"))
	}
	parts := []tty.Part{p.Paint(tty.Faint, time.UnixMicro(line.At).Format("15:04:05.000")), tty.Text(" " + source(line) + " | ")}
	if line.Level != "" {
		parts = append(parts, p.level(line.Level), tty.Text(" "))
	}
	parts = append(parts, tty.Text(tty.Continued(line.Message)))
	if line.Fields != "" {
		parts = append(parts, tty.Text(" "+tty.Continued(line.Fields)))
	}
	if line.Trace != "" && line.Level != "" { // a line that is not JSON is its own message
		parts = append(parts, p.Paint(tty.Faint, " trace_id="+line.Trace))
	}
	return p.Out.Print(append(parts, tty.Text("\n"))...)
}

// source returns the pod of a line, and in a pod of several containers "pod/container".
func source(line console.LogLine) string {
	if line.Container == "" {
		return line.Pod
	}
	return line.Pod + "/" + line.Container
}

// level returns the level of a line in the colour of its severity.
func (p *printer) level(name string) tty.Part {
	text := strings.ToUpper(name)
	switch text {
	case "WARN", "WARNING":
		return p.Paint(tty.Yellow, text)
	case "ERROR", "FATAL", "PANIC", "DPANIC":
		return p.Paint(tty.Red, text)
	}
	return tty.Text(text)
}
