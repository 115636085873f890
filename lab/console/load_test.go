package console

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// pageToken returns the token that a served page carries.
func pageToken(t *testing.T, url string) string {
	t.Helper()
	_, page := get(t, url+"/load")
	found := regexp.MustCompile(`<meta name="hopline-token" content="([^"]+)">`).FindStringSubmatch(page)
	if found == nil {
		t.Fatal("the page has no token")
	}
	return found[1]
}

// sendAs sends a request as a page with a token does, and returns the status and the body.
func sendAs(t *testing.T, method, url, body, token string, header ...string) (code int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Hopline-Token", token)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	read, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(read)
}

// newest returns the response of GET /api/load.
func newest(t *testing.T, url string) Load {
	t.Helper()
	code, body := get(t, url+"/api/load")
	var l Load
	if err := json.Unmarshal([]byte(body), &l); err != nil || code != http.StatusOK {
		t.Fatalf("%d %v: %s", code, err, body)
	}
	return l
}

// reach waits until the newest run fits.
func reach(t *testing.T, url, what string, fits func(*LoadRun) bool) *LoadRun {
	t.Helper()
	end := time.After(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		run := newest(t, url).Run
		if run != nil && fits(run) {
			return run
		}
		select {
		case <-end:
			t.Fatalf("not %s after 20 s: %+v", what, run)
		case <-tick.C:
		}
	}
}

func hasEnded(run *LoadRun) bool { return !run.Running }

// withLoad returns a console whose lab has one address, which counts its requests.
func withLoad(t *testing.T) (url, token, target string, requests *atomic.Int64) {
	t.Helper()
	requests = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		w.Header().Set("x-b3-traceid", traceID)
		if r.URL.Path != "/demo-app/hops" || r.Header.Get("x-dev-user") != "<b>" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	source := &lab{edition: Edition{Name: "canary", Entries: []string{server.URL}, Links: []Link{{"Page", server.URL + "/demo-app/"}}}}
	_, url, _ = serve(t, source)
	return url, pageToken(t, url), server.URL, requests
}

// TestLoad: a run from its start to its report, as the page sees it.
func TestLoad(t *testing.T) {
	t.Parallel()
	url, token, target, requests := withLoad(t)
	if l := newest(t, url); l.Run != nil || l.URL != "/demo-app/hops" || l.MaxRate != 1000 || l.MaxSeconds != 600 || len(l.Entries) != 1 {
		t.Errorf("before the first run: %+v", l)
	}
	if code, body := get(t, url+"/api/load/report"); code != http.StatusNotFound || !strings.Contains(body, "load: want a run that has ended, got none") {
		t.Errorf("a report before the first run: %d %s", code, body)
	}
	code, body := sendAs(t, http.MethodPost, url+"/api/load", `{"url": "/demo-app/hops", "rate": 50, "seconds": 1, "headers": ["x-dev-user: <b>"]}`, token)
	if code != http.StatusAccepted || !strings.Contains(body, `"id":1,"running":true`) {
		t.Fatalf("POST: %d %s, want 202", code, body)
	}
	run := reach(t, url, "ended", hasEnded)
	if n := requests.Load(); run.Report == nil || n != 50 || run.Report.Sent != 50 || run.Report.Errors != 0 || run.Live.Done != 50 {
		t.Errorf("%d requests arrived, the run is %+v", n, run)
	}
	if want := "hopline load " + target + "/demo-app/hops --rate 50 --duration 1s -H 'x-dev-user: <b>'"; run.Command != want {
		t.Errorf("command %s, want %s", run.Command, want)
	}
	if run.Report != nil && run.Report.Slowest[0].Link != "/trace/"+traceID {
		t.Errorf("the slowest request has the link %q", run.Report.Slowest[0].Link)
	}
	var state State
	if _, body := get(t, url+"/api/state"); json.Unmarshal([]byte(body), &state) != nil || state.Load == nil || *state.Load != run.LoadState {
		t.Errorf("the state has the run %+v, want %+v", state.Load, run.LoadState)
	}
	code, page := get(t, url+"/api/load/report")
	if code != http.StatusOK || !strings.Contains(page, `href="/trace/`+traceID+`"`) || strings.Contains(page, "<b>") || !strings.Contains(page, "&lt;b&gt;") {
		t.Errorf("the report: %d %s", code, page)
	}
}

// TestLoadIsStopped: one run at a time, and DELETE ends it.
func TestLoadIsStopped(t *testing.T) {
	t.Parallel()
	url, token, _, _ := withLoad(t)
	const long = `{"url": "/", "rate": 20, "seconds": 600}`
	if code, body := sendAs(t, http.MethodDelete, url+"/api/load", "", token); code != http.StatusNotFound || !strings.Contains(body, "want a run in progress") {
		t.Errorf("DELETE without a run: %d %s", code, body)
	}
	if code, body := sendAs(t, http.MethodPost, url+"/api/load", long, token); code != http.StatusAccepted {
		t.Fatalf("POST: %d %s", code, body)
	}
	if code, body := sendAs(t, http.MethodPost, url+"/api/load", long, token); code != http.StatusConflict || !strings.Contains(body, "want one run at a time") {
		t.Errorf("a second run: %d %s, want 409", code, body)
	}
	reach(t, url, "some requests done", func(run *LoadRun) bool { return run.Live.Done > 2 })
	if code, body := sendAs(t, http.MethodDelete, url+"/api/load", "", token); code != http.StatusNoContent {
		t.Errorf("DELETE: %d %s, want 204", code, body)
	}
	if run := reach(t, url, "ended", hasEnded); !run.Report.Early || run.Report.Errors != run.Report.Answered {
		t.Errorf("the stopped run: %+v", run.Report)
	}
	if code, body := sendAs(t, http.MethodPost, url+"/api/load", long, token); code != http.StatusAccepted { // the test's end stops it
		t.Errorf("the next run: %d %s", code, body)
	}
}

// TestLoadIsRejected: what is out of bounds, or not the lab's, starts nothing.
func TestLoadIsRejected(t *testing.T) {
	t.Parallel()
	url, token, target, requests := withLoad(t)
	for body, want := range map[string]string{
		`{"url": "/", "rate": 1001}`:                     "rate: want 1 to 1000 requests per second, got 1001",
		`{"url": "/", "rate": 0}`:                        "rate: want 1 to 1000 requests per second, got 0",
		`{"url": "/", "seconds": 601}`:                   "seconds: want more than 0 and at most 10m0s, got 10m1s",
		`{"url": "/", "seconds": 1e300}`:                 "seconds: want more than 0 and at most 10m0s",
		`{"url": "/", "ramp_seconds": 31}`:               "ramp_seconds: want 0 to the duration, got 31s",
		`{"url": "/", "headers": ["x"]}`:                 "headers: want 'name: value', got \\\"x\\\"",
		`{"url": "/", "method": "G T"}`:                  "method: want one such as GET",
		`{"url": "http://example.com/"}`:                 "url: want a path such as /demo-app/hops, or a URL of this lab (" + target + "), got \\\"http://example.com/\\\"",
		`{"url": "//example.com/"}`:                      "url: want a path",
		`{"url": "` + target + `.example.com/"}`:         "url: want a path",
		`{"url": "http://a:b@` + target[7:] + `/"}`:      "url: want a path",
		`{"url": "https://` + target[7:] + `/"}`:         "url: want a path",
		`{"url": ""}`:                                    "url: want a path",
		`{"rate": 1}`:                                    "url: want a path",
		`{"url": "/", "rte": 1}`:                         "load: want a JSON object",
		`{"url": "/", "data": "` + long(64<<10+1) + `"}`: "data: want at most 65536, got of 65537 bytes",
		`{"url": "/", "data": "` + long(200<<10) + `"}`:  "load: want a JSON object",
		``: "load: want a JSON object",
	} {
		code, answer := sendAs(t, http.MethodPost, url+"/api/load", body, token)
		if code != http.StatusBadRequest || !strings.Contains(answer, want) {
			t.Errorf("%.80s: %d %s, want 400 %s", body, code, answer, want)
		}
	}
	for what, header := range map[string]string{"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"} {
		if code, body := sendAs(t, http.MethodPost, url+"/api/load", `{"url": "/"}`, token, what, header); code != http.StatusForbidden {
			t.Errorf("%s %s: %d %s, want 403", what, header, code, body)
		}
	}
	if l := newest(t, url); l.Run != nil || requests.Load() != 0 {
		t.Errorf("%d requests were sent by %+v", requests.Load(), l.Run)
	}
}

func long(n int) string { return strings.Repeat("x", n) }

// TestLoadWithoutAnAddress: a lab that serves nothing outside cannot be called.
func TestLoadWithoutAnAddress(t *testing.T) {
	t.Parallel()
	_, url, _ := serve(t, &lab{})
	code, body := sendAs(t, http.MethodPost, url+"/api/load", `{"url": "/"}`, pageToken(t, url))
	if want := "url: want a lab with an address for requests"; code != http.StatusBadRequest || !strings.Contains(body, want) {
		t.Errorf("%d %s, want 400 %s", code, body, want)
	}
	if l := newest(t, url); fmt.Sprint(l.Entries) != "[]" || l.URL != "/" {
		t.Errorf("%+v", l)
	}
}
