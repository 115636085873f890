package guard

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// served responds with 200, like the handler behind a guard.
var served = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

// ask returns the response of a handler to a request with the given Host and headers.
func ask(h http.Handler, method, host string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/", nil)
	r.Host = host
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestHost(t *testing.T) {
	t.Parallel()
	names, labels := Handler(served, "Lab.example"), Handler(served, AnyLabel)
	for _, test := range []struct {
		host         string
		names, label int // the status with a name in the list, and with any label
	}{
		{"localhost", 200, 200},
		{"localhost:8090", 200, 200},
		{"LOCALHOST.:8090", 200, 200},
		{"hopline.localhost", 200, 200},
		{"127.0.0.1:8090", 200, 200},
		{"[::1]:8090", 200, 200},
		{"[::1]", 200, 200},
		{"192.0.2.7:8090", 200, 200}, // DNS rebinding cannot change an address
		{"10.244.0.20:8081", 200, 200},
		{"lab.example", 200, 421},
		{"LAB.example:8090", 200, 421},
		{"core", 421, 200},
		{"core-prod-7d9f_1:8081", 421, 200},
		{"", 421, 421},
		{":8081", 421, 421},
		{"evil.example", 421, 421},
		{"evil.example:8090", 421, 421},
		{"localhost.evil.test", 421, 421},
		{"notlocalhost.", 421, 200},
		{"127.0.0.1.evil.test", 421, 421},
		{"*", 421, 421},
		{"a b", 421, 421},
	} {
		for _, w := range []*httptest.ResponseRecorder{ask(names, http.MethodGet, test.host), ask(labels, http.MethodGet, test.host)} {
			if w.Header().Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("Host %q: a browser may guess the type of the response", test.host)
			}
		}
		if w := ask(names, http.MethodGet, test.host); w.Code != test.names {
			t.Errorf("Host %q: %d, want %d", test.host, w.Code, test.names)
		}
		if w := ask(labels, http.MethodGet, test.host); w.Code != test.label {
			t.Errorf("Host %q with AnyLabel: %d, want %d", test.host, w.Code, test.label)
		}
	}
}

func TestOrigin(t *testing.T) {
	t.Parallel()
	guarded, same := Handler(served), SameOrigin(served)
	for _, test := range []struct {
		method          string
		header          []string
		guarded, strict int
	}{
		{"POST", nil, 200, 200}, // a program
		{"POST", []string{"Sec-Fetch-Site", "same-origin"}, 200, 200},
		{"POST", []string{"Sec-Fetch-Site", "none"}, 200, 200}, // typed by the user
		{"POST", []string{"Sec-Fetch-Site", "same-site"}, 403, 403},
		{"POST", []string{"Sec-Fetch-Site", "cross-site"}, 403, 403},
		{"POST", []string{"Sec-Fetch-Site", "of tomorrow"}, 403, 403},
		{"POST", []string{"Origin", "http://localhost:9411"}, 200, 200},
		{"POST", []string{"Origin", "http://localhost:8080"}, 403, 403},
		{"POST", []string{"Origin", "http://evil.example"}, 403, 403},
		{"POST", []string{"Origin", "null"}, 403, 403}, // a sandboxed page, or a file
		{"PUT", []string{"Origin", "http://evil.example"}, 403, 403},
		{"DELETE", []string{"Sec-Fetch-Site", "cross-site"}, 403, 403},
		{"GET", nil, 200, 200},
		{"GET", []string{"Sec-Fetch-Site", "none"}, 200, 200},
		{"GET", []string{"Sec-Fetch-Site", "cross-site"}, 200, 403}, // a link from elsewhere
		{"HEAD", []string{"Sec-Fetch-Site", "same-site"}, 200, 403},
		{"GET", []string{"Origin", "http://evil.example"}, 200, 403},
	} {
		if w := ask(guarded, test.method, "localhost:9411", test.header...); w.Code != test.guarded {
			t.Errorf("Handler, %s with %q: %d, want %d", test.method, test.header, w.Code, test.guarded)
		}
		if w := ask(same, test.method, "localhost:9411", test.header...); w.Code != test.strict {
			t.Errorf("SameOrigin, %s with %q: %d, want %d", test.method, test.header, w.Code, test.strict)
		}
	}
}
