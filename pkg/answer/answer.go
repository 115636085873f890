// Package answer writes the responses of handlers, and reads from a request which media type it prefers.
package answer

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Text writes a response of type text/plain: text and a newline.
func Text(w http.ResponseWriter, code int, text string) {
	Raw(w, code, "text/plain; charset=utf-8", text+"\n")
}

// JSON writes v as JSON and a newline. A value that cannot be encoded is a bug in the program and becomes a 500.
func JSON(w http.ResponseWriter, code int, v any) {
	var body strings.Builder
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // this is not embedded in HTML, and people read it: a=1&b=2
	if err := encoder.Encode(v); err != nil {
		Text(w, http.StatusInternalServerError, "the response cannot be written as JSON")
		return
	}
	Raw(w, code, "application/json", body.String())
}

// Raw writes a response with body unchanged.
func Raw(w http.ResponseWriter, code int, contentType, body string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, body) // the access log records a client that disconnected
}
