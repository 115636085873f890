package front

import (
	"embed"
	"html/template"
	"net/http"

	"github.com/hopline/hopline/pkg/answer"
	"github.com/hopline/hopline/pkg/look"
	"github.com/hopline/hopline/pkg/telemetry"
)

//go:embed web
var web embed.FS

// page is the web page: one document with its style and script.
type page struct {
	document []byte
	etag     string
	policy   string // Content-Security-Policy

	frame   *template.Template // of a browser's responses for /slow-page and /fast-page
	shown   shown
	traceUI TraceUIURL
}

// shown holds the data of both templates.
type shown struct {
	look.Page
	Service, Version string
	TraceUI          string
}

// newPage assembles the document, once. The files are part of the binary, so an error in them is a panic at start, in any test.
func newPage(who telemetry.Identity, traceUI TraceUIURL) *page {
	p := &page{
		frame:   look.Template(web, "frame.html"),
		traceUI: traceUI,
		shown: shown{
			Page:    look.New(web, "page.css", "call.js", "history.js", "repeat.js", "view.js", "page.js"),
			Service: who.Service,
			Version: who.Version,
			TraceUI: string(traceUI),
		},
	}
	document := look.Render(look.Template(web, "index.html"), p.shown)
	p.document = []byte(document)
	p.etag = `"` + look.Digest(document) + `"`
	p.policy = p.shown.Policy()
	return p
}

// index serves the page.
func (p *page) index(w http.ResponseWriter, r *http.Request) {
	p.protect(w.Header())
	w.Header().Set("ETag", p.etag)
	w.Header().Set("Cache-Control", "no-cache")
	if r.Header.Get("If-None-Match") == p.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Write(p.document) // the client may have disconnected; the access log records it
}

func (p *page) protect(h http.Header) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", p.policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
}

// forBrowsers serves requests that accept HTML with the one handler, and all others with the other.
func forBrowsers(html, others http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept")
		if answer.Prefers(r, answer.HTMLType, answer.TextType) {
			html(w, r)
			return
		}
		others(w, r)
	}
}
