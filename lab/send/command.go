package send

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/input"
)

// Command holds the command line of `hopline curl`, for kong. Execute runs it.
type Command struct {
	URL string `arg:"" help:"URL of the request: http://middle/hops from a workload, http://localhost:8080/demo-app/ from outside."`

	From    string   `placeholder:"WORKLOAD" help:"Sender of the request: a Deployment, front-blue or hopline/front-blue (a client outside, through the ingress gateway)."`
	Method  string   `short:"X" placeholder:"METHOD" help:"Method of the request (GET, or POST with a body)."`
	Header  []string `short:"H" sep:"none" placeholder:"'NAME: VALUE'" help:"Header of the request; may be given again."`
	Data    *string  `short:"d" placeholder:"BODY" help:"Body of the request; @FILE reads a file, @- standard input."`
	Include bool     `short:"i" help:"Print the headers of the response too."`

	current.Console
}

// Execute sends the request through the running lab. It writes the body of the response to out, and its status, headers, responder and trace
// to about. It reads a body "@-" from in.
func (c *Command) Execute(ctx context.Context, in io.Reader, out, about io.Writer) error {
	r := Request{From: c.From, Method: c.Method, URL: c.URL, Header: c.Header}
	if r.Header == nil {
		r.Header = []string{}
	}
	if c.Data != nil {
		body, err := readBody(*c.Data, in)
		if err != nil {
			return err
		}
		r.Body = body
	}
	switch {
	case r.Method != "":
	case c.Data != nil:
		r.Method = http.MethodPost
	default:
		r.Method = http.MethodGet
	}
	var response Response
	if err := current.Call(ctx, c.ConsolePort, http.MethodPost, "/api/send", r, &response); err != nil {
		return err
	}
	return response.write(c.Include, out, about)
}

// readBody returns the body that -d names.
func readBody(data string, in io.Reader) (string, error) {
	name, file := strings.CutPrefix(data, "@")
	if !file {
		return data, nil
	}
	body, err := input.Read(name, in, MaxBody)
	return string(body), err
}

// write prints the response: its body to out, everything else to about.
func (r *Response) write(headers bool, out, about io.Writer) error {
	_, err := fmt.Fprintln(about, r.Text)
	if headers {
		for _, h := range r.Headers {
			_, failed := fmt.Fprintf(about, "%s: %s\n", h.Name, strings.ReplaceAll(h.Value, "\n", `\n`))
			err = errors.Join(err, failed)
		}
	}
	body := r.Body
	if r.Binary != nil {
		body = string(r.Binary)
	}
	if body != "" && !strings.HasSuffix(body, "\n") {
		body += "\n"
	}
	_, failed := io.WriteString(out, body)
	err = errors.Join(err, failed)
	if r.Cut {
		_, failed = fmt.Fprintf(about, "the body is longer: these are its first %d bytes\n", MaxBody)
		err = errors.Join(err, failed)
	}
	line := fmt.Sprintf("from %s, to %s, in %s", r.By, r.Sender, time.Duration(r.Took*int64(time.Microsecond)).Round(100*time.Microsecond))
	if r.TraceURL != "" {
		line += "; trace " + r.TraceURL
	}
	for _, note := range r.Near {
		line += "\nnote " + note
	}
	_, failed = fmt.Fprintln(about, line)
	return errors.Join(err, failed)
}
