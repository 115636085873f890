package console

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/drive"
	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/lesson"
)

// TestWhoMayDrive sends a request that changes something to a console, from all kinds of senders. It reaches the handler only with the token,
// from this machine, and not from a page of another origin.
func TestWhoMayDrive(t *testing.T) {
	t.Parallel()
	const token, local, remote = "the-token", "127.0.0.1:40000", "192.0.2.7:40000"
	allowed := Driving{Token: token}
	for name, c := range map[string]struct {
		driving Driving
		peer    string
		host    string
		header  http.Header
		want    int
		text    string
	}{
		"the page":                        {allowed, local, "localhost:8090", http.Header{"Origin": {"http://localhost:8090"}, "Sec-Fetch-Site": {"same-origin"}}, 200, "done"},
		"the terminal":                    {allowed, local, "127.0.0.1:8090", nil, 200, "done"},
		"over IPv6":                       {allowed, "[::1]:40000", "[::1]:8090", nil, 200, "done"},
		"IPv4 in IPv6":                    {allowed, "[::ffff:127.0.0.1]:40000", "localhost:8090", nil, 200, "done"},
		"no token":                        {allowed, local, "localhost:8090", http.Header{current.TokenHeader: nil}, 403, "got none"},
		"wrong token":                     {allowed, local, "localhost:8090", http.Header{current.TokenHeader: {"the-tokem"}}, 403, "got another"},
		"part of the token":               {allowed, local, "localhost:8090", http.Header{current.TokenHeader: {"the"}}, 403, "got another"},
		"no token, and the lab has none":  {Driving{}, local, "localhost:8090", http.Header{current.TokenHeader: nil}, 403, "got none"},
		"a token, and the lab has none":   {Driving{}, local, "localhost:8090", nil, 403, "got another"},
		"a page of another origin":        {allowed, local, "localhost:8090", http.Header{"Origin": {"http://evil.example"}}, 403, "cross-origin"},
		"another site, by fetch metadata": {allowed, local, "localhost:8090", http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403, "cross-origin"},
		"another port of this machine":    {allowed, local, "localhost:8090", http.Header{"Origin": {"http://localhost:3000"}}, 403, "cross-origin"},
		"DNS rebinding":                   {allowed, local, "evil.example:8090", http.Header{"Origin": {"http://evil.example:8090"}, "Sec-Fetch-Site": {"same-origin"}}, 421, "does not serve the host"},
		"another machine":                 {allowed, remote, "192.0.2.1:8090", nil, 403, "want a request from this machine"},
		"no address":                      {allowed, "@", "localhost:8090", nil, 403, "want a request from this machine"},
		"driving is off":                  {Driving{Token: token, Off: "it is off"}, local, "localhost:8090", nil, 403, "it is off"},
		"another machine that may":        {Driving{Token: token, Remote: true}, remote, "192.0.2.1:8090", nil, 200, "done"},
		"another machine that may, without the token": {Driving{Token: token, Remote: true}, remote, "192.0.2.1:8090", http.Header{current.TokenHeader: nil}, 403, "got none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c2 := New(&lab{}, nil, c.driving)
			r := httptest.NewRequest(http.MethodPost, "/api/changes", strings.NewReader("{}"))
			r.RemoteAddr, r.Host = c.peer, c.host
			r.Header.Set(current.TokenHeader, token)
			for key, values := range c.header {
				r.Header[key] = values
			}
			w := httptest.NewRecorder()
			guarded(c2, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("done")) })).ServeHTTP(w, r)
			if w.Code != c.want || !strings.Contains(w.Body.String(), c.text) {
				t.Errorf("got %d %s, want %d with %q", w.Code, w.Body, c.want, c.text)
			}
		})
	}
}

// guarded returns a handler behind all checks of the console: those of every request, and those of a change.
func guarded(c *Console, next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /api/changes", c.driving(next))
	return c.guarded(mux)
}

// TestEveryChangeNeedsTheToken sends each request of the API that changes something, without a token.
func TestEveryChangeNeedsTheToken(t *testing.T) {
	t.Parallel()
	guide := lesson.NewGuide(nil, t.TempDir(), "/bin/false", nil, nil)
	t.Cleanup(func() { _ = guide.Close() }) // it plays no lesson
	c := New(&lab{}, nil, Driving{Token: "the-token", Changes: drive.New(nil), Lessons: guide})
	for _, request := range []string{
		"POST /api/changes", "DELETE /api/changes", "DELETE /api/changes/1", "POST /api/changes/1/keep",
		"POST /api/lessons/1/steps/1", "DELETE /api/lessons/1", "POST /api/lessons/reset", "POST /api/send", "POST /api/whatif", "POST /api/load", "DELETE /api/load",
	} {
		method, path, _ := strings.Cut(request, " ")
		w := httptest.NewRecorder()
		r := httptest.NewRequest(method, path, nil)
		r.RemoteAddr, r.Host = net.JoinHostPort("127.0.0.1", "40000"), "localhost"
		c.ServeHTTP(w, r)
		if w.Code != http.StatusForbidden {
			t.Errorf("%s: %d, want 403", request, w.Code)
		}
	}
}

// TestTheTokenOfThePage checks that the page has the token exactly if driving is allowed, and that the state says whether it is.
func TestTheTokenOfThePage(t *testing.T) {
	t.Parallel()
	for off, want := range map[string]bool{"": true, "others reach it": false} {
		c := New(&lab{}, nil, Driving{Token: "the-token", Off: off})
		read := func(path string) string {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Host = "localhost"
			c.ServeHTTP(w, r)
			return w.Body.String()
		}
		if has := strings.Contains(read("/"), "the-token"); has != want {
			t.Errorf("the page has the token: %t, want %t", has, want)
		}
		var state State
		if err := json.Unmarshal([]byte(read("/api/state")), &state); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(read("/"), `content="`+state.Lab+`"`) || state.Lab == "" {
			t.Errorf("the state names the lab %q, want the one that the page names", state.Lab)
		}
		if strings.Contains(read("/api/state"), "the-token") {
			t.Error("the state has the token, want it only in the page")
		}
		if state.Driving != (DrivingState{Allowed: want, Why: off}) {
			t.Errorf("the state says %+v, want %t: %s", state.Driving, want, off)
		}
	}
}
