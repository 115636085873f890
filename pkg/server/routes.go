package server

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/hopline/hopline/pkg/answer"
)

// Hello handles GET /hello on every hop.
func Hello(w http.ResponseWriter, _ *http.Request) {
	answer.JSON(w, http.StatusOK, map[string]string{"hello": "world!"})
}

// notFound does not repeat the path, which may hold anything.
func notFound(w http.ResponseWriter, _ *http.Request) {
	answer.Text(w, http.StatusNotFound, "404 page not found")
}

// notAllowed responds with 405 and the path's methods, as RFC 9110 requires, or with 404 if it has none: chi calls it for every method that
// chi does not know.
func notAllowed(w http.ResponseWriter, r *http.Request) {
	routes, path := chi.RouteContext(r.Context()).Routes, routePath(r)
	var allowed []string
	for _, method := range [...]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE"} {
		has := routes.Match(chi.NewRouteContext(), method, path)
		if has || method == "HEAD" && len(allowed) > 0 { // GetHead handles HEAD wherever there is a GET
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		notFound(w, r)
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	answer.Text(w, http.StatusMethodNotAllowed, "405 method not allowed, but "+strings.Join(allowed, ", "))
}

// patternOf returns the pattern that a request would be routed to, or an empty string.
func patternOf(r *http.Request) string {
	routes, path := chi.RouteContext(r.Context()).Routes, routePath(r)
	pattern := routes.Find(chi.NewRouteContext(), r.Method, path)
	if pattern == "" && r.Method == http.MethodHead {
		pattern = routes.Find(chi.NewRouteContext(), http.MethodGet, path)
	}
	return pattern
}

// routePath returns the path as chi reads it.
func routePath(r *http.Request) string {
	switch {
	case r.URL.RawPath != "":
		return r.URL.RawPath
	case r.URL.Path != "":
		return r.URL.Path
	default:
		return "/"
	}
}
