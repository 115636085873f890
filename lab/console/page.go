package console

import (
	"embed"
	"net/http"

	"github.com/hopline/hopline/pkg/look"
)

//go:embed web
var web embed.FS

// page is the console's page: one document with its style and script, the same for all its addresses.
type page struct {
	document []byte
	policy   string // Content-Security-Policy
}

// files lists the styles and scripts of the page in their order. Each view has a script of its own, between views.js and page.js.
var files = []string{
	"page.css", "graph.css", "stage.css", "time.css", "drive.css", "lessons.css", "logs.css", "compare.css",
	"words.js", "views.js", "drawer.js", "toast.js", "head.js", "drive.js", "overlays.js", "forms.js", "rule.js", "shares.js", "workload.js", "plot.js",
	"mesh.js", "conditions.js", "layout.js", "graph.js", "details.js", "stage.js", "lessons.js", "time.js", "traces.js", "logs.js", "ask.js", "whatif.js", "load.js", "trace.js", "compare.js",
	"page.js",
}

// addresses lists the patterns of the page's addresses.
var addresses = []string{"/{$}", "/time", "/traces", "/logs", "/ask", "/load", "/trace/{id}", "/compare/{a}/{b}"}

// newPage assembles the document, with the identifier of the lab and the token that its requests carry. The files are part of the binary, so an error in them is a panic
// at start, in any test.
func newPage(lab, token string) *page {
	p := look.New(web, files...)
	data := struct {
		look.Page
		Lab, Token string
	}{p, lab, token}
	return &page{document: []byte(look.Render(look.Template(web, "index.html"), data)), policy: p.Policy()}
}

func (p *page) serve(w http.ResponseWriter, _ *http.Request) { p.write(w, http.StatusOK) }

func (p *page) write(w http.ResponseWriter, code int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", p.policy)
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(code)
	w.Write(p.document) // the client may have gone
}
