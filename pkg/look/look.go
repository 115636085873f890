// Package look is how Hopline's pages look: the style, the icon and the marks and colours of versions that all of them share, and the way
// in which a page's files become one document.
package look

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"strings"
)

//go:embed web
var shared embed.FS

// Page is what a page's template puts into the document. Style and script stand in the document itself: behind a mesh that shares the load
// among versions, a script fetched apart might come from another version than the page.
type Page struct {
	Style  template.CSS
	Script template.JS
	Icon   template.URL
}

// New puts the shared style and script before those of a page: web/page.css of files, and the scripts web/NAME in the given order, which are
// one module. A file that is missing is a mistake in the program, and a panic.
func New(files fs.FS, scripts ...string) Page {
	script := read(shared, "element.js") + read(shared, "versions.js")
	for _, name := range scripts {
		script += read(files, name)
	}
	return Page{
		Style:  template.CSS(read(shared, "look.css") + read(files, "page.css")),
		Script: template.JS(script),
		Icon:   template.URL("data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(read(shared, "icon.svg")))),
	}
}

// Policy returns the Content-Security-Policy of the page: nothing runs but its own style and script, and nothing is fetched except from the
// page's origin.
func (p Page) Policy() string {
	return fmt.Sprintf("default-src 'none'; script-src 'sha256-%s'; style-src 'sha256-%s'; img-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		Digest(string(p.Script)), Digest(string(p.Style)))
}

// Digest returns the SHA-256 of a text in base64, as Content-Security-Policy wants it.
func Digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Template reads the template web/NAME of files.
func Template(files fs.FS, name string) *template.Template {
	return template.Must(template.New(name).Parse(read(files, name)))
}

// Render fills a template in. The data and the template belong together, so an error is a mistake in the program, and a panic.
func Render(t *template.Template, data any) string {
	var document strings.Builder
	if err := t.Execute(&document, data); err != nil {
		panic(err)
	}
	return document.String()
}

func read(files fs.FS, name string) string {
	text, err := fs.ReadFile(files, "web/"+name)
	if err != nil {
		panic(err)
	}
	return string(text)
}
