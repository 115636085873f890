package bounced

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/pkg/server/servertest"
)

// respond decodes the response of a stand-in.
func respond(t *testing.T, code int, method, url string, header ...string) played {
	t.Helper()
	resp, body := servertest.Ask(t, method, url, "", header...)
	var p played
	if err := json.Unmarshal([]byte(body), &p); err != nil || resp.StatusCode != code {
		t.Fatalf("%s %s: %d %s, wanted %d with JSON (%v)", method, url, resp.StatusCode, body, code, err)
	}
	return p
}

// TestStandInAnyPath: the response to every method and path names who responds, also on the paths that bounced has for itself, but not on
// POST /bounce.
func TestStandInAnyPath(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, Run, "STAND_IN=true", "SERVICE_NAME=reviews", "SERVICE_VERSION=v3", "HOSTNAME=reviews-v3-1", "ALLOW_CRASH=true")
	for _, c := range [][2]string{{"GET", "/"}, {"POST", "/reviews/0?x=%20"}, {"DELETE", "/a%2Fb"}, {"GET", "/health"}, {"GET", "/crash"}, {"GET", "/bounce"}} {
		want := played{Service: "reviews", Version: "v3", Host: "reviews-v3-1", Method: c[0], URI: c[1]}
		if diff := cmp.Diff(want, respond(t, 200, c[0], s.URL+c[1])); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", c[0], c[1], diff)
		}
	}
	if resp, body := servertest.Ask(t, "POST", s.URL+"/bounce", `{"rebound":"false","endpoint":"http://x"}`); resp.StatusCode != 200 || body != "" {
		t.Errorf("POST /bounce: %d %q", resp.StatusCode, body)
	}
	if resp, _ := servertest.Ask(t, "GET", s.URL+"/", ""); resp.Header.Get("X-Served-By") != "reviews-v3/reviews-v3-1" {
		t.Errorf("served by %q", resp.Header.Get("X-Served-By"))
	}
}

// TestStandInUpstreams: a stand-in calls its upstreams with the user's headers and the trace, and its response has theirs.
func TestStandInUpstreams(t *testing.T) {
	t.Parallel()
	var got http.Header
	details := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		_, _ = w.Write([]byte("not JSON"))
	}))
	defer details.Close()
	ratings := servertest.Start(t, Run, "STAND_IN=true", "SERVICE_NAME=ratings", "SERVICE_VERSION=v1", "HOSTNAME=ratings-1")
	page := servertest.Start(t, Run, "STAND_IN=true", "SERVICE_NAME=page", "SERVICE_VERSION=v1", "UPSTREAMS="+ratings.URL+"/ratings/0,"+details.URL)

	p := respond(t, 200, "POST", page.URL+"/productpage", "End-User", "jason", "Cookie", "a=b", "X-Mine", "1", "Connection", "X-Mine", "X-Forwarded-For", "10.0.0.1",
		"Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "X-B3-Traceid", "0af7651916cd43dd8448eb211c80319c", "X-B3-Spanid", "b7ad6b7169203331", "X-B3-Sampled", "1")
	want := []called{
		{URL: ratings.URL + "/ratings/0", Status: 200, Response: json.RawMessage(`{"service":"ratings","version":"v1","host":"ratings-1","method":"GET","uri":"/ratings/0"}`)},
		{URL: details.URL, Status: 200},
	}
	if diff := cmp.Diff(want, p.Upstreams); diff != "" {
		t.Errorf("upstreams (-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{
		"End-User": "jason", "Cookie": "a=b", "X-Stand-In-Through": "page-v1", "X-B3-Traceid": "0af7651916cd43dd8448eb211c80319c",
		"X-Mine": "", "X-Forwarded-For": "", "Traceparent": "", "Content-Length": "",
	} {
		if got.Get(name) != want {
			t.Errorf("the upstream got %s %q, want %q", name, got.Get(name), want)
		}
	}
	if got.Get("X-B3-Spanid") == "b7ad6b7169203331" {
		t.Error("the upstream got the span of the caller")
	}
}

// TestStandInFailure: if an upstream fails, the stand-in fails and names the upstream.
func TestStandInFailure(t *testing.T) {
	t.Parallel()
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = nobody.Close()
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }))
	defer broken.Close()
	for _, c := range []struct {
		upstream string
		status   int
		err      string
	}{{"http://" + nobody.Addr().String(), 0, "connection refused"}, {broken.URL, 503, ""}} {
		s := servertest.Start(t, Run, "STAND_IN=true", "UPSTREAMS="+c.upstream)
		p := respond(t, 502, "GET", s.URL)
		if u := p.Upstreams[0]; u.Status != c.status || !strings.Contains(u.Error, c.err) || c.err == "" && u.Error != "" {
			t.Errorf("%s: %+v", c.upstream, u)
		}
	}
}

// TestStandInCircle: stand-ins that call each other in a circle end with a response that names the circle.
func TestStandInCircle(t *testing.T) {
	t.Parallel()
	var other string
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req := r.Clone(r.Context())
		req.RequestURI, req.URL.Scheme, req.URL.Host = "", "http", strings.TrimPrefix(other, "http://")
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
	}))
	defer between.Close()
	a := servertest.Start(t, Run, "STAND_IN=true", "SERVICE_NAME=a", "SERVICE_VERSION=v1", "UPSTREAMS="+between.URL)
	other = a.URL
	p := respond(t, 502, "GET", a.URL)
	if p.Upstreams[0].Status != 508 {
		t.Errorf("%+v", p.Upstreams)
	}
	if resp, body := servertest.Ask(t, "GET", a.URL, "", "X-Stand-In-Through", "a-v1"); resp.StatusCode != 508 || !strings.Contains(body, "in a circle: a-v1, a-v1") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

// TestStandInSettings: settings without an effect are rejected.
func TestStandInSettings(t *testing.T) {
	t.Parallel()
	for _, env := range [][]string{{"UPSTREAMS=http://a"}, {"STAND_IN=true", "UPSTREAMS=a"}, {"STAND_IN=true", "UPSTREAMS=" + strings.Repeat("http://a,", 20) + "http://b"}} {
		if code, _, stderr := servertest.Exec(t, Run, nil, env); code != 2 || !strings.HasPrefix(stderr, "UPSTREAMS: want ") {
			t.Errorf("%q: %d %s", env, code, stderr)
		}
	}
}
