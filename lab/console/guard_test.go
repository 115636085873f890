package console

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	guarded := Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}), "lab.example")
	for host, code := range map[string]int{
		"localhost":           200,
		"localhost:8090":      200,
		"LOCALHOST.:8090":     200,
		"hopline.localhost":   200,
		"127.0.0.1:8090":      200,
		"[::1]:8090":          200,
		"[::1]":               200,
		"192.0.2.7:8090":      200, // an address cannot be led elsewhere by a name server
		"lab.example":         200,
		"lab.example:8090":    200,
		"":                    421,
		"evil.example":        421,
		"evil.example:8090":   421,
		"localhost.evil.test": 421,
		"notlocalhost":        421,
		"127.0.0.1.evil.test": 421,
	} {
		r := httptest.NewRequest(http.MethodGet, "/api/state", nil)
		r.Host = host
		w := httptest.NewRecorder()
		guarded.ServeHTTP(w, r)
		if w.Code != code {
			t.Errorf("Host %q: %d, want %d", host, w.Code, code)
		}
		if code == 200 && w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("Host %q: the answer's type may be guessed", host)
		}
	}
}
