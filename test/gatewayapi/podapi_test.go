package gatewayapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
)

// podAPI serves what an API server serves of a pod beside the object: its log, and the execution of a command in it. The suite executes one
// command, client, which sends requests; the lab sends them as the pod.
type podAPI struct {
	pods *pods
	lab  *lab
}

// start serves it until the test ends.
func (a *podAPI) start(t *testing.T) (url string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/namespaces/{namespace}/pods/{pod}/log", a.log)
	mux.HandleFunc("POST /api/v1/namespaces/{namespace}/pods/{pod}/exec", a.exec)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

func (a *podAPI) log(w http.ResponseWriter, r *http.Request) {
	p := a.pods.find(r.PathValue("pod"))
	if p == nil {
		http.NotFound(w, r)
		return
	}
	since, err := time.Parse(time.RFC3339, r.URL.Query().Get("sinceTime"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = io.WriteString(w, strings.Join(p.log.since(since), "\n"))
}

func (a *podAPI) exec(w http.ResponseWriter, r *http.Request) {
	streams := &remotecommand.Options{Stdout: true, Stderr: true} // the suite checks these two
	remotecommand.ServeExec(w, r, a, r.PathValue("pod"), "", r.URL.Query().Get("container"), r.URL.Query()["command"], streams,
		time.Minute, 10*time.Second, remotecommand.SupportedStreamingProtocols)
}

// ExecInContainer implements remotecommand.Executor.
func (a *podAPI) ExecInContainer(ctx context.Context, pod, _, _ string, command []string, _ io.Reader, stdout, _ io.WriteCloser, _ bool, _ <-chan remotecommand.TerminalSize, _ time.Duration) error {
	c, err := parseClient(command)
	if err != nil {
		return err
	}
	transport := a.lab.transport(pod)
	for range c.count {
		out, err := c.send(ctx, transport)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(stdout, out+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// clientCommand is the command client of Istio's echo program, as far as the suite uses it.
type clientCommand struct {
	url, method string
	header      http.Header
	count       int
}

// parseClient parses "client URL --method=M -H name:value --count=N".
func parseClient(args []string) (*clientCommand, error) {
	if len(args) < 2 || args[0] != "client" {
		return nil, fmt.Errorf("want the command client with a URL, got %q", args)
	}
	c := &clientCommand{url: args[1], method: http.MethodGet, header: http.Header{}, count: 1}
	for i := 2; i < len(args); i++ {
		name, value, _ := strings.Cut(args[i], "=")
		switch {
		case name == "--method":
			c.method = value
		case name == "--count":
			n, err := strconv.Atoi(value)
			if err != nil {
				return nil, err
			}
			c.count = n
		case name == "-H" && i+1 < len(args):
			i++
			header, value, _ := strings.Cut(args[i], ":")
			c.header.Add(header, value)
		default:
			return nil, fmt.Errorf("client: unknown argument %q", args[i])
		}
	}
	return c, nil
}

// send sends one request, and returns the response in the lines that Istio's echo program prints.
func (c *clientCommand) send(ctx context.Context, transport *http.Transport) (string, error) {
	r, err := http.NewRequestWithContext(ctx, c.method, c.url, nil)
	if err != nil {
		return "", err
	}
	r.Header = c.header.Clone()
	response, err := transport.RoundTrip(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	var lines strings.Builder
	fmt.Fprintf(&lines, "StatusCode=%d\n", response.StatusCode)
	for name, values := range response.Header {
		fmt.Fprintf(&lines, "ResponseHeader=%s:%s\n", name, strings.Join(values, ","))
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || response.Header.Get("Content-Type") != "application/json" {
		return lines.String(), err
	}
	var e echoed
	if err := json.Unmarshal(body, &e); err != nil {
		return "", errors.Join(errors.New("the response of the echo server"), err)
	}
	fmt.Fprintf(&lines, "Hostname=%s\nHost=%s\nURL=%s\nMethod=%s\n", e.Pod, e.Host, e.Path, e.Method)
	for name, values := range e.Headers {
		for _, v := range values {
			fmt.Fprintf(&lines, "RequestHeader=%s:%s\n", name, v)
		}
	}
	return lines.String(), nil
}
