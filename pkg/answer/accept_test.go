package answer

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestPrefers covers the Accept headers of browsers, curl and programs, and the edge cases of RFC 9110.
func TestPrefers(t *testing.T) {
	t.Parallel()
	for accept, html := range map[string]bool{
		"none":      false,
		"":          false,
		"*/*":       false,
		"text/html": true,
		"TEXT/HTML": true,
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": true, // a browser
		"text/*":                              false,
		"text/html;q=0":                       false,
		"text/html;q=0, */*":                  false,
		"text/plain, text/html":               false,
		"text/plain;q=0.5, text/html;q=0.6":   true,
		"text/*, text/plain;q=0.1":            true,
		"text/html;level=1;q=0.4, text/plain": false,
		"text/html;q=high, */*;q=0.1":         false,
		"application/json":                    false,
		",,;q=,":                              false,
	} {
		r := &http.Request{Header: http.Header{"Accept": {accept}}}
		if accept == "none" {
			r.Header = http.Header{}
		}
		if got := Prefers(r, HTMLType, TextType); got != html {
			t.Errorf("Accept: %s: html is %v, wanted %v", accept, got, html)
		}
	}
	several := &http.Request{Header: http.Header{"Accept": {"text/plain;q=0.1", "text/html"}}}
	if !Prefers(several, HTMLType, TextType) {
		t.Error("the second Accept header was not read")
	}
}

// TestResponses checks status, type, length and body of each kind of response.
func TestResponses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		write             func(http.ResponseWriter)
		code              int
		contentType, body string
	}{
		"text":  {func(w http.ResponseWriter) { Text(w, 418, "héllo") }, 418, "text/plain; charset=utf-8", "héllo\n"},
		"json":  {func(w http.ResponseWriter) { JSON(w, 201, map[string]string{"a": "<&>"}) }, 201, "application/json", `{"a":"<&>"}` + "\n"},
		"wrong": {func(w http.ResponseWriter) { JSON(w, 200, func() {}) }, 500, "text/plain; charset=utf-8", "the response cannot be written as JSON\n"},
	} {
		w := httptest.NewRecorder()
		c.write(w)
		if w.Code != c.code || w.Header().Get("Content-Type") != c.contentType || w.Body.String() != c.body || w.Result().ContentLength != int64(len(c.body)) {
			t.Errorf("%s: %d %v %q", name, w.Code, w.Header(), w.Body)
		}
	}
}
