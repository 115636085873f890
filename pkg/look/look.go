// Package look holds the look of Hopline's pages: the style, the icon, and the marks and colours of versions that all of them share. It
// combines a page's files into one document.
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

// Page holds the parts of a page's template. Style and script are in the document itself: behind a mesh that spreads the load over
// versions, a separately loaded script might be of another version than the page.
type Page struct {
	Style  template.CSS
	Script template.JS
	Icon   template.URL
}

// New puts the shared style and script before those of a page: the styles and scripts web/NAME of files, in the given order. The scripts
// form one module. A missing file is a bug in the program and causes a panic.
func New(files fs.FS, names ...string) Page {
	style, script := read(shared, "look.css"), read(shared, "element.js")+read(shared, "versions.js")
	for _, name := range names {
		if strings.HasSuffix(name, ".css") {
			style += read(files, name)
		} else {
			script += read(files, name)
		}
	}
	return Page{
		Style:  template.CSS(style),
		Script: template.JS(script),
		Icon:   template.URL("data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(read(shared, "icon.svg")))),
	}
}

// Policy returns the Content-Security-Policy of the page: only its own style and script may run, and it may load only from its own origin.
func (p Page) Policy() string {
	return fmt.Sprintf("default-src 'none'; script-src 'sha256-%s'; style-src 'sha256-%s'; img-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		Digest(string(p.Script)), Digest(string(p.Style)))
}

// Digest returns the SHA-256 of a text in base64, in the form of Content-Security-Policy.
func Digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Template parses the template web/NAME of files.
func Template(files fs.FS, name string) *template.Template {
	return template.Must(template.New(name).Parse(read(files, name)))
}

// Render executes a template. The data and the template belong together, so an error is a bug in the program and causes a panic.
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
