package fault

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hopline/hopline/pkg/config"
)

// TestAdmin reads and changes faults at run time; an invalid change changes nothing.
func TestAdmin(t *testing.T) {
	t.Parallel()
	injector := New("core", Config{ErrorRate: 70, Latency: Latency{100e6, 2e9}})
	steps := []struct {
		method, body string
		code         int
		contains     string
	}{
		{"GET", "", 200, `{"error_rate":70,"drop_rate":0,"latency":"100ms-2s"}` + "\n"},
		{"PUT", `{"drop_rate":5}`, 200, `{"error_rate":70,"drop_rate":5,"latency":"100ms-2s"}` + "\n"},
		{"PUT", `{}`, 200, `{"error_rate":70,"drop_rate":5,"latency":"100ms-2s"}` + "\n"},
		{"PUT", `{"error_rate":0.5,"latency":"0"}`, 200, `{"error_rate":0.5,"drop_rate":5,"latency":"0s"}` + "\n"},
		{"PUT", `{"error_rate":50,"latency":"soon"}`, 400, `latency: want a duration such as 250ms or a range such as 100ms-2s, got "soon"`},
		{"PUT", `{"error_rate":101}`, 400, "error_rate: want a number from 0 to 100, got 101"},
		{"PUT", `{"drop_rate":-1}`, 400, "drop_rate: want a number from 0 to 100, got -1"},
		{"PUT", `{"error_rates":1}`, 400, `unknown field "error_rates"`},
		{"PUT", `{"error_rate":"1"}`, 400, "error_rate"},
		{"PUT", `{"error_rate":1} more`, 400, "nothing after it"},
		{"PUT", `error_rate=1`, 400, "want an object such as"},
		{"PUT", "", 400, "want an object such as"},
		{"PUT", `{"latency":"` + strings.Repeat("1", 5000) + `"}`, 400, "too large"},
		{"POST", `{"error_rate":1}`, 405, "PUT changes"},
		{"GET", "", 200, `{"error_rate":0.5,"drop_rate":5,"latency":"0s"}` + "\n"},
	}
	for _, s := range steps {
		w := httptest.NewRecorder()
		injector.ServeHTTP(w, httptest.NewRequest(s.method, "/faults", strings.NewReader(s.body)))
		if w.Code != s.code || !strings.Contains(w.Body.String(), s.contains) {
			t.Errorf("%s %s: %d %q, wanted %d %q", s.method, s.body, w.Code, w.Body, s.code, s.contains)
		}
		if s.code == 405 && w.Header().Get("Allow") != "GET, HEAD, PUT" {
			t.Errorf("Allow is %q", w.Header().Get("Allow"))
		}
	}
}

// TestConfig: the problem of an invalid rate names its variable.
func TestConfig(t *testing.T) {
	t.Parallel()
	r := &config.Report{}
	(&Config{ErrorRate: -0.1, DropRate: 100.1}).Validate(r)
	if len(r.Problems()) != 2 || !r.Has("ERROR_RATE") || !r.Has("DROP_RATE") {
		t.Errorf("%v", r.Problems())
	}
}
