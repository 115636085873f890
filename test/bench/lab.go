package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// lab is a running `hopline up`.
type lab struct {
	*process
	page, console, zipkin string        // addresses, without a slash at the end
	took                  time.Duration // until all was ready
}

// up runs an overlay with the programs of `make build`, and waits until it reports that all is ready.
func (b *bench) up(overlay string) (*lab, error) {
	args := []string{"up", overlay, "--build=never", "--bin", filepath.Join(b.root, "bin")}
	var ports []string
	for _, flag := range []string{"--ingress-port=", "--console-port=", "--zipkin-port=", "--otlp-port="} {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		args, ports = append(args, flag+port), append(ports, port)
	}
	since := time.Now()
	p, err := b.start(nil, filepath.Join(b.root, "bin/hopline"), args...)
	if err != nil {
		return nil, fmt.Errorf("%w (make build makes it)", err)
	}
	l := &lab{process: p, page: "http://127.0.0.1:" + ports[0], console: "http://127.0.0.1:" + ports[1], zipkin: "http://127.0.0.1:" + ports[2]}
	if l.took, err = p.until(since, 5*time.Minute, func() bool { return strings.Contains(p.said(), "Ctrl-C stops everything") }); err != nil {
		p.stop()
		return nil, err
	}
	return l, nil
}

// state holds the fields of the console's state that are needed here.
type state struct {
	Revision  int `json:"revision"` // counts the rules that became active
	Workloads []struct {
		Pods []struct {
			Name    string `json:"name"`
			Process int    `json:"process"`
		} `json:"pods"`
	} `json:"workloads"`
}

func (l *lab) state() (s state, err error) {
	response, err := http.Get(l.console + "/api/state")
	if err != nil {
		return s, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return s, fmt.Errorf("%s/api/state: %s", l.console, response.Status)
	}
	return s, json.NewDecoder(response.Body).Decode(&s)
}

// live waits until requests to a host follow the rules of a revision, and returns how long that took since a moment. It sends requests to
// the echo behind the host: the console would have to write thousands of rules each time, on the cores that load them.
func (l *lab) live(host, revision string, since time.Time) (time.Duration, error) {
	request, response := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	request.SetRequestURI(l.page + "/")
	request.UseHostHeader = true
	request.Header.SetHost(host)
	var trouble error
	took, err := l.until(since, 5*time.Minute, func() bool {
		var echo struct {
			Headers map[string]string `json:"headers"`
		}
		if trouble = fasthttp.DoTimeout(request, response, 10*time.Second); trouble == nil {
			trouble = json.Unmarshal(response.Body(), &echo)
		}
		return trouble != nil || echo.Headers["X-Revision"] == revision
	})
	return took, errors.Join(err, trouble)
}

// metrics returns the console's metrics, or those that it forwards from a pod.
func (l *lab) metrics(path string) (string, error) {
	response, err := http.Get(l.console + path)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s%s: %s", l.console, path, response.Status)
	}
	return string(text), err
}
