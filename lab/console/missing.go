package console

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/hopline/hopline/pkg/answer"
)

// orMissing serves mux. A request for an address that it does not have gets 404: a browser gets the page, which says so and has the links to all views;
// other clients, and all below /api/, get an error as JSON.
func orMissing(mux *http.ServeMux, p *page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case hasAddress(mux, r):
			mux.ServeHTTP(w, r)
		case !isAPI(r) && answer.Prefers(r, answer.HTMLType, answer.JSONType):
			p.write(w, http.StatusNotFound)
		default:
			writeError(w, http.StatusNotFound, fmt.Errorf("path: want an address of the console, got %.200q", r.URL.Path))
		}
	})
}

// hasAddress reports whether mux serves the address of a request, with its method or another one.
func hasAddress(mux *http.ServeMux, r *http.Request) bool {
	for _, method := range []string{r.Method, http.MethodGet, http.MethodPost, http.MethodDelete} {
		other := r.WithContext(r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); pattern != "" {
			return true
		}
	}
	return false
}

// isAPI reports whether a request is for the API: all its errors are JSON.
func isAPI(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/") }
