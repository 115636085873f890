package console

import (
	"encoding/json"
	"net/http"
	"strings"
)

// writeError responds with an error as JSON: {"error": "place: want X, got Y"}.
func writeError(w http.ResponseWriter, code int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(map[string]string{"error": err.Error()}) // the client may have gone
}

// errorWriter makes JSON of an error that is written as text, so that all errors of the API have one form: those of http.ServeMux, for an
// unknown path or method, and of package guard are text.
type errorWriter struct {
	http.ResponseWriter
	text bool // the response is such an error
}

// WriteHeader implements http.ResponseWriter.
func (w *errorWriter) WriteHeader(code int) {
	header := w.Header()
	if code >= 400 && strings.HasPrefix(header.Get("Content-Type"), "text/plain") {
		w.text = true
		header.Set("Content-Type", "application/json")
		header.Del("Content-Length")
	}
	w.ResponseWriter.WriteHeader(code)
}

// Write implements http.ResponseWriter. http.Error writes the text of an error in one piece.
func (w *errorWriter) Write(p []byte) (int, error) {
	if !w.text {
		return w.ResponseWriter.Write(p)
	}
	return len(p), json.NewEncoder(w.ResponseWriter).Encode(map[string]string{"error": strings.TrimSpace(string(p))})
}

// Unwrap returns the writer below for an http.ResponseController.
func (w *errorWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
