package console

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/hopline/hopline/lab/collector"
	"github.com/hopline/hopline/lab/drive"
)

// TestErrorsOfTheAPI checks that each error below /api/ is JSON with a reason, wherever it is found: a handler, http.ServeMux, or package guard.
func TestErrorsOfTheAPI(t *testing.T) {
	t.Parallel()
	store, err := collector.New(collector.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	c := New(&lab{}, store, Driving{Token: "the-token", Changes: drive.New(nil)})
	for _, one := range []struct {
		method, path, host string
		header             http.Header
		code               int
	}{
		{"GET", "/api/traces?limit=x", "", nil, 400},
		{"GET", "/api/traces/nonsense", "", nil, 400},
		{"GET", "/api/traces/0123456789abcdef", "", nil, 404},
		{"GET", "/api/edges/none", "", nil, 404},
		{"GET", "/api/logs?level=loud", "", nil, 400},
		{"GET", "/api/explain", "", nil, 503},
		{"GET", "/api/series?since=x", "", nil, 400},
		{"GET", "/api/load/report", "", nil, 404},
		{"GET", "/api/changes/1/patch", "", nil, 404},
		{"POST", "/api/changes", "", nil, 403},
		{"GET", "/api/nothing", "", nil, 404},
		{"GET", "/api/nothing", "", http.Header{"Accept": {"text/html"}}, 404},
		{"POST", "/api/nothing", "", nil, 404},
		{"GET", "/nothing", "", nil, 404},
		{"GET", "/nothing", "", http.Header{"Accept": {"application/json"}}, 404},
		{"GET", "/api/", "", nil, 404},
		{"GET", "/api/changes/1/nothing", "", nil, 404},
		{"POST", "/api/state", "", nil, 405},
		{"GET", "/api/state", "evil.example", nil, 421},
		{"POST", "/api/changes", "", http.Header{"Origin": {"http://evil.example"}}, 403},
	} {
		r := httptest.NewRequest(one.method, one.path, nil)
		r.RemoteAddr, r.Host = "127.0.0.1:40000", "localhost"
		if one.host != "" {
			r.Host = one.host
		}
		for key, values := range one.header {
			r.Header[key] = values
		}
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		var body struct {
			Error string `json:"error"`
		}
		err := json.Unmarshal(w.Body.Bytes(), &body)
		if w.Code != one.code || err != nil || body.Error == "" || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s %s %s: got %d %s %q, want %d and JSON with an error", one.method, one.path, one.host, w.Code, w.Header().Get("Content-Type"), w.Body, one.code)
		}
	}
}
