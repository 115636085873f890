package console

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/overlay"
)

// stream is an open page.
type stream struct {
	t     *testing.T
	body  io.ReadCloser
	lines *bufio.Scanner
}

func listen(t *testing.T, url string) *stream {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url + "/api/events")
	if err != nil {
		t.Fatal(err)
	}
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || kind != "text/event-stream" {
		t.Fatalf("%s with %q, want 200 with text/event-stream", resp.Status, kind)
	}
	t.Cleanup(func() { resp.Body.Close() })
	s := &stream{t: t, body: resp.Body, lines: bufio.NewScanner(resp.Body)}
	s.lines.Buffer(nil, 1<<20)
	return s
}

// until reads states until one meets the condition.
func (s *stream) until(wanted func(State) bool) State {
	s.t.Helper()
	for s.lines.Scan() {
		text, isData := strings.CutPrefix(s.lines.Text(), "data: ")
		if !isData {
			continue
		}
		var state State
		if err := json.Unmarshal([]byte(text), &state); err != nil {
			s.t.Fatal(err)
		}
		if wanted(state) {
			return state
		}
	}
	s.t.Fatalf("the stream ended: %v", s.lines.Err())
	return State{}
}

// TestLive changes the lab under two open pages.
func TestLive(t *testing.T) {
	t.Parallel()
	source := &lab{edition: Edition{Name: "canary", Revision: 1}}
	c, url, _ := serve(t, source)
	pages := []*stream{listen(t, url), listen(t, url)}
	for _, page := range pages {
		page.until(func(s State) bool { return s.Edition == "canary" })
	}
	source.set(func(l *lab) {
		l.edition.Problems = []overlay.Problem{{File: "middle.yaml", Line: 12, Object: "VirtualService hopline/core", Path: "spec.hots", Reason: "unknown field"}}
	})
	c.Changed()
	for _, page := range pages {
		page.until(func(s State) bool {
			return len(s.Problems) == 1 && s.Problems[0] == Problem{Place: "middle.yaml:12", Object: "VirtualService hopline/core", Path: "spec.hots", Reason: "unknown field"}
		})
	}
	source.set(func(l *lab) { l.edition.Problems = nil })
	c.Changed()
	for _, page := range pages {
		page.until(func(s State) bool { return len(s.Problems) == 0 })
	}
}

// TestSlowPage publishes faster than a page reads: the page receives the newest state, and the others do not wait.
func TestSlowPage(t *testing.T) {
	t.Parallel()
	e := newEvents()
	page := e.join()
	for _, state := range []string{"1", "2", "3", "3"} {
		e.publish([]byte(state))
	}
	if got := string(<-page); got != "3" {
		t.Errorf("the page got %s, want 3", got)
	}
	e.publish([]byte("3"))
	select {
	case state := <-page:
		t.Errorf("the same state came again: %s", state)
	default:
	}
	if got := string(<-e.join()); got != "3" {
		t.Errorf("a new page got %s, want the last state", got)
	}
}

func TestTooManyPages(t *testing.T) {
	t.Parallel()
	e := newEvents()
	var pages []chan []byte
	for range maxPages {
		pages = append(pages, e.join())
	}
	w := httptest.NewRecorder()
	e.serve(w, httptest.NewRequest(http.MethodGet, "/api/events", nil))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v, want 503 that says when to come again", w.Code, w.Header())
	}
	e.leave(pages[0])
	if e.join() == nil {
		t.Error("there is no room after one has left")
	}
}
