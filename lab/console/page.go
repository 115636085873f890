package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strings"
)

//go:embed web
var web embed.FS

// The scripts make one module, in this order.
var scripts = []string{"versions.js", "words.js", "overview.js", "search.js", "waterfall.js", "page.js"}

// page is the console's page: one document with style and script in it, the same for every address that it has.
type page struct {
	document []byte
	policy   string // Content-Security-Policy: nothing runs but this style and this script, nothing is fetched but from here
}

// newPage puts the document together. The files are part of the binary, so a mistake in them is a panic at start, in any test.
func newPage() *page {
	var script strings.Builder
	for _, name := range scripts {
		script.WriteString(asset(name))
	}
	var document bytes.Buffer
	err := template.Must(template.New("index.html").Parse(asset("index.html"))).Execute(&document, struct {
		Style  template.CSS
		Script template.JS
		Icon   template.URL
	}{
		template.CSS(asset("page.css")), template.JS(script.String()),
		template.URL("data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(asset("icon.svg")))),
	})
	if err != nil {
		panic(err)
	}
	return &page{
		document: document.Bytes(),
		policy: fmt.Sprintf("default-src 'none'; script-src 'sha256-%s'; style-src 'sha256-%s'; img-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			digest(script.String()), digest(asset("page.css"))),
	}
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

func (p *page) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", p.policy)
	w.Header().Set("Cache-Control", "no-cache")
	w.Write(p.document) // the client may have gone
}
