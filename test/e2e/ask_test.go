package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

type answer struct {
	code   int
	body   string
	header http.Header
}

// caller keeps its connections, as many as the load needs, and follows no redirect.
var caller = &http.Client{
	Timeout:       30 * time.Second,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 500},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// ask sends one request. Headers are NAME, VALUE, …; Host is one of them.
func ask(method, url, body string, headers ...string) (answer, error) {
	// A body that net/http cannot replay: otherwise it would silently send the request again when a kept connection breaks.
	req, err := http.NewRequest(method, url, io.NopCloser(strings.NewReader(body)))
	if err != nil {
		return answer{}, err
	}
	req.ContentLength = int64(len(body))
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := caller.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, string(raw), resp.Header}, err
}

func get(t *testing.T, path string, headers ...string) answer {
	t.Helper()
	a, err := ask("GET", *ingress+path, "", headers...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// eventually calls what every quarter of a second until it returns no error.
func eventually(t *testing.T, within time.Duration, what func() error) {
	t.Helper()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(within)
	for {
		err := what()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("after %s: %v", within, err)
		case <-tick.C:
		}
	}
}

// contains returns an error with the parts that a text lacks.
func contains(text string, all ...string) error {
	for _, s := range all {
		if !strings.Contains(text, s) {
			return fmt.Errorf("%s is not in it", s)
		}
	}
	return nil
}
