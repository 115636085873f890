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

// newPage assembles the document. The files are part of the binary, so an error in them is a panic at start, in any test.
func newPage() *page {
	p := look.New(web, "words.js", "overview.js", "search.js", "waterfall.js", "page.js")
	return &page{document: []byte(look.Render(look.Template(web, "index.html"), p)), policy: p.Policy()}
}

func (p *page) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", p.policy)
	w.Header().Set("Cache-Control", "no-cache")
	w.Write(p.document) // the client may have gone
}
