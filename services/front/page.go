package main

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/hopline/hopline/pkg/answer"
	"github.com/hopline/hopline/pkg/telemetry"
)

//go:embed web
var web embed.FS

// The scripts make one module, in this order.
var scripts = []string{"versions.js", "call.js", "history.js", "repeat.js", "view.js", "page.js"}

// page is the web page. It is one document with style and script in it: behind a mesh that shares the load among versions, a
// script fetched apart might come from another version than the page.
type page struct {
	document []byte
	etag     string
	policy   string // Content-Security-Policy: nothing runs but this style and this script, nothing is fetched but from here

	frame   *template.Template // of the answers that a browser gets for /slow-page and /fast-page
	look    look
	traceUI TraceUIURL
}

// look is what both templates show.
type look struct {
	Style            template.CSS
	Script           template.JS
	Icon             template.URL
	Service, Version string
	TraceUI          string
}

// newPage puts the document together, once. The files are part of the binary, so a mistake in them is a panic at start, in any test.
func newPage(who telemetry.Identity, traceUI TraceUIURL) *page {
	var script strings.Builder
	for _, name := range scripts {
		script.WriteString(asset(name))
	}
	p := &page{
		frame:   template.Must(template.New("frame.html").Parse(asset("frame.html"))),
		traceUI: traceUI,
		look: look{
			Style:   template.CSS(asset("page.css")),
			Script:  template.JS(script.String()),
			Icon:    template.URL("data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(asset("icon.svg")))),
			Service: who.Service,
			Version: who.Version,
			TraceUI: string(traceUI),
		},
	}
	var document bytes.Buffer
	if err := template.Must(template.New("index.html").Parse(asset("index.html"))).Execute(&document, p.look); err != nil {
		panic(err)
	}
	p.document = document.Bytes()
	p.etag = `"` + digest(document.String()) + `"`
	p.policy = fmt.Sprintf("default-src 'none'; script-src 'sha256-%s'; style-src 'sha256-%s'; img-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		digest(script.String()), digest(asset("page.css")))
	return p
}

func asset(name string) string {
	text, err := web.ReadFile("web/" + name)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// index is the page itself.
func (p *page) index(w http.ResponseWriter, r *http.Request) {
	p.protect(w.Header())
	w.Header().Set("ETag", p.etag)
	w.Header().Set("Cache-Control", "no-cache")
	if r.Header.Get("If-None-Match") == p.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Write(p.document) // the client may have gone; the access log tells
}

func (p *page) protect(h http.Header) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", p.policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
}

// forBrowsers answers who asks for HTML with the one handler, and everyone else with the other.
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
