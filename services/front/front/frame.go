package front

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"github.com/hopline/hopline/pkg/header"
	"github.com/hopline/hopline/pkg/look"
)

// longestShown bounds what a frame shows of a response, in bytes.
const longestShown = 16 << 10

// framed wraps the response of text in a page for browsers, with the same status; other clients get the text.
func (p *page) framed(title string, text http.HandlerFunc) http.HandlerFunc {
	return forBrowsers(func(w http.ResponseWriter, r *http.Request) {
		said := &caption{header: w.Header(), code: http.StatusOK}
		text(said, r)
		if !said.wrote {
			return // the request was cancelled; the server handles that
		}
		p.writeFrame(w, title, said)
	}, text)
}

// writeFrame writes the page with one response. The template escapes all of it.
func (p *page) writeFrame(w http.ResponseWriter, title string, said *caption) {
	trace := w.Header().Get(header.B3TraceID)
	document := look.Render(p.frame, struct {
		shown
		Title, Status, Text, Trace, TraceLink string
		Code                                  int
		Failed, Cut                           bool
	}{
		shown: p.shown, Title: title, Code: said.code, Status: http.StatusText(said.code), Text: strings.ToValidUTF8(strings.TrimSpace(said.text.String()), "�"),
		Trace: trace, TraceLink: p.traceUI.Link(trace), Failed: said.code >= 400, Cut: said.cut,
	})
	// These headers describe the text, not the page.
	w.Header().Del("Content-Length")
	w.Header().Del("Content-Encoding")
	w.Header().Del("ETag")
	p.protect(w.Header())
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(said.code)
	io.WriteString(w, document) // the client may have disconnected; the access log records it
}

// caption is a ResponseWriter that keeps the beginning of a short text and passes the headers through.
type caption struct {
	header http.Header
	code   int
	text   bytes.Buffer
	wrote  bool
	cut    bool // whether there was more
}

// Header implements http.ResponseWriter.
func (c *caption) Header() http.Header { return c.header }

// WriteHeader implements http.ResponseWriter.
func (c *caption) WriteHeader(code int) {
	if !c.wrote && code >= 200 {
		c.code, c.wrote = code, true
	}
}

// Write implements http.ResponseWriter.
func (c *caption) Write(text []byte) (int, error) {
	c.wrote = true
	room := longestShown - c.text.Len()
	c.cut = c.cut || len(text) > room
	c.text.Write(text[:min(len(text), room)])
	return len(text), nil
}
