package server

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestFlush: http.Flusher and ResponseController both reach the connection.
func TestFlush(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Get("/", func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		_, _ = io.WriteString(w, "x")
	})
	if w := r.ask("GET", "/"); !w.Flushed || w.Code != 200 || w.Body.String() != "x" {
		t.Errorf("flushed %v, %d %q", w.Flushed, w.Code, w.Body)
	}
}

// TestReadFrom: a copied response counts like a written one.
func TestReadFrom(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Get("/", func(w http.ResponseWriter, _ *http.Request) {
		if n, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader("from elsewhere")); n != 14 || err != nil {
			t.Errorf("copied %d bytes, %v", n, err)
		}
	})
	if w := r.ask("GET", "/"); w.Code != 200 || w.Body.String() != "from elsewhere" || w.Header().Get("Server-Timing") == "" {
		t.Errorf("%d %q %v", w.Code, w.Body, w.Header())
	}
	if line := r.log.lines(t)[0]; line["bytes"] != 14.0 || line["code"] != 200.0 {
		t.Errorf("logged %v", line)
	}
}
