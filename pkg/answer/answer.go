// Package answer writes the answers that handlers give, and reads from a request in which form it wants them.
package answer

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Text answers with a text and a newline, as text/plain.
func Text(w http.ResponseWriter, code int, text string) {
	Raw(w, code, "text/plain; charset=utf-8", text+"\n")
}

// JSON answers with v as JSON and a newline. What cannot be encoded is a mistake of the program and becomes a 500.
func JSON(w http.ResponseWriter, code int, v any) {
	var body strings.Builder
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // nothing takes it for a page, and people read it: a=1&b=2
	if err := encoder.Encode(v); err != nil {
		Text(w, http.StatusInternalServerError, "the answer cannot be written as JSON")
		return
	}
	Raw(w, code, "application/json", body.String())
}

// Raw answers with body as it is.
func Raw(w http.ResponseWriter, code int, contentType, body string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, body) // a client that has gone is seen by the access log
}
