//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	maxInFlight = 4000             // above it a request is not sent, and counts as failed
	callTimeout = 20 * time.Second // a caller's timeout
)

// users are the values of x-dev-user; with them every version of every hop gets calls.
var users = [...]string{"", "", "", "", "betaUser", "", "", "", "", "stressTest"}

// outcome is the result of one request.
type outcome struct {
	at   time.Time     // when it was due
	late time.Duration // how much later it was sent
	took time.Duration // from when it was due
	user string
	why  string // why it failed, or empty
}

// load calls one address at a constant rate, regardless of responses (an open model), over as many connections as that needs.
type load struct {
	url      string
	interval time.Duration
	client   *http.Client

	mu       sync.Mutex
	outcomes []outcome
}

func newLoad(url string, rate int) *load {
	return &load{url: url, interval: time.Second / time.Duration(rate), client: &http.Client{
		Timeout:       callTimeout,
		Transport:     &http.Transport{MaxIdleConnsPerHost: maxInFlight},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// start begins the calls. The function it returns ends them, waits for responses, and returns all outcomes in order of time; it may be
// called again.
func (l *load) start() (stop func() []outcome) {
	ctx, cancel := context.WithCancel(context.Background())
	var loop sync.WaitGroup
	loop.Go(func() { l.loop(ctx) })
	return func() []outcome {
		cancel()
		loop.Wait()
		l.client.CloseIdleConnections()
		slices.SortFunc(l.outcomes, func(a, b outcome) int { return a.at.Compare(b.at) })
		return l.outcomes
	}
}

// loop sends each request at its own time. If that time has passed, because this machine was busy, it sends the request immediately.
func (l *load) loop(ctx context.Context) {
	var calls sync.WaitGroup
	defer calls.Wait()
	places := make(chan struct{}, maxInFlight)
	begun := time.Now()
	for i := 0; ; i++ {
		at := begun.Add(time.Duration(i) * l.interval)
		pause(ctx, time.Until(at))
		if ctx.Err() != nil {
			return
		}
		user := users[i%len(users)]
		select {
		case places <- struct{}{}:
			calls.Go(func() {
				defer func() { <-places }()
				late := time.Since(at)
				why := l.call(user)
				l.count(outcome{at, late, time.Since(at), user, why})
			})
		default:
			l.count(outcome{at, 0, 0, user, fmt.Sprintf("not sent: %d others wait for their responses", maxInFlight)})
		}
	}
}

func (l *load) count(o outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outcomes = append(l.outcomes, o)
}

// whole matches the last line of a response that went through all hops.
var whole = regexp.MustCompile(`(?m) at \d{4}-\d\d-\d\dT\S+$`)

// call sends one request and returns why it failed.
func (l *load) call(user string) (why string) {
	// A body without GetBody keeps net/http from sending the request again when a connection breaks.
	request, err := http.NewRequest(http.MethodGet, l.url, io.NopCloser(strings.NewReader("")))
	if err != nil {
		return err.Error()
	}
	request.Header.Set("Accept", "text/plain")
	if user != "" {
		request.Header.Set("x-dev-user", user)
	}
	response, err := l.client.Do(request)
	if err != nil {
		return connectionTrouble(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	switch {
	case err != nil:
		return fmt.Sprintf("%d, and the response was aborted: %s", response.StatusCode, connectionTrouble(err))
	case response.StatusCode != http.StatusOK:
		return fmt.Sprintf("%d %s", response.StatusCode, gist(body))
	case !whole.Match(body):
		return fmt.Sprintf("200 that lacks the time: %s", gist(body))
	}
	return ""
}

// connectionTrouble returns an error's text without the parts that differ from request to request.
func connectionTrouble(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET):
		return "connection reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed"
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("no response in %v", callTimeout)
	}
	return err.Error()
}

// gist returns the last line of a response: the line of the hop that failed, below those of the hops that passed it on.
func gist(body []byte) string {
	text := strings.TrimSpace(string(body))
	text = text[strings.LastIndexByte(text, '\n')+1:]
	return text[:min(len(text), 200)]
}
