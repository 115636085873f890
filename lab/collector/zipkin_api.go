package collector

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/hopline/hopline/lab/zipkin"
)

// zipkinAPI is Zipkin's HTTP API. It responds as Zipkin 3.5.1 does; TestRealZipkin compares both.
type zipkinAPI struct {
	store   *Store
	options Options
}

// newZipkinAPI returns the API with its routes. Zipkin's own page requests the read API below /zipkin.
func newZipkinAPI(c *Collector) http.Handler {
	a := &zipkinAPI{store: c.Store, options: c.options}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v2/spans", a.post)
	for _, base := range []string{"", "/zipkin"} {
		get := func(path string, endpoint func(parameters) (any, error)) {
			mux.HandleFunc("GET "+base+"/api/v2/"+path, jsonOf(endpoint))
		}
		get("services", a.services)
		get("spans", a.spanNames)
		get("remoteServices", a.remoteServices)
		get("traces", a.traces)
		get("trace/{id}", a.trace)
		get("traceMany", a.traceMany)
		get("dependencies", a.dependencies)
		get("autocompleteKeys", a.autocompleteKeys)
		get("autocompleteValues", a.autocompleteValues)
	}
	mux.HandleFunc("GET /zipkin/config.json", jsonOf(a.config))
	mux.HandleFunc("GET /health", jsonOf(a.health))
	mux.HandleFunc("GET /actuator/health", jsonOf(a.health))
	mux.HandleFunc("GET /info", jsonOf(a.info))
	mux.HandleFunc("GET /actuator/info", jsonOf(a.info))
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("GET /zipkin/{$}", a.home)
	mux.HandleFunc("GET /zipkin/traces/{id}", a.tracePage)
	return mux
}

// jsonOf returns a handler for an endpoint whose errors are the client's: 400, or 404 for a notFound.
func jsonOf(endpoint func(parameters) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, err := parametersOf(r)
		if err != nil {
			refuse(w, http.StatusBadRequest, err.Error())
			return
		}
		value, err := endpoint(p)
		if err != nil {
			code := http.StatusBadRequest
			if errors.As(err, new(notFound)) {
				code = http.StatusNotFound
			}
			refuse(w, code, err.Error())
			return
		}
		w.Header().Set("Content-Type", "application/json")
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(value) // fails only if the client has disconnected: the types can be marshalled
	}
}

// notFound is a 404 response with its reason.
type notFound string

func (n notFound) Error() string { return string(n) }

// refuse responds to an error with its reason as text.
func refuse(w http.ResponseWriter, code int, reason string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	fmt.Fprintln(w, strings.TrimSuffix(reason, "\n"))
}

// config returns the configuration that Zipkin's page requests first.
func (a *zipkinAPI) config(parameters) (any, error) {
	type dependency struct {
		Enabled       bool    `json:"enabled"`
		LowErrorRate  float64 `json:"lowErrorRate"`
		HighErrorRate float64 `json:"highErrorRate"`
	}
	return struct {
		Environment     string     `json:"environment"`
		QueryLimit      int        `json:"queryLimit"`
		DefaultLookback int        `json:"defaultLookback"` // milliseconds
		SearchEnabled   bool       `json:"searchEnabled"`
		LogsURL         *string    `json:"logsUrl"`
		SupportURL      *string    `json:"supportUrl"`
		ArchivePostURL  *string    `json:"archivePostUrl"`
		ArchiveURL      *string    `json:"archiveUrl"`
		Dependency      dependency `json:"dependency"`
	}{
		QueryLimit: defaultLimit, DefaultLookback: 15 * 60 * 1000, SearchEnabled: true,
		Dependency: dependency{Enabled: true, LowErrorRate: 0.5, HighErrorRate: 0.75},
	}, nil
}

// health always reports UP: the store is memory, and cannot be down.
func (a *zipkinAPI) health(parameters) (any, error) {
	return json.RawMessage(`{"status":"UP","zipkin":{"status":"UP","details":{"InMemoryStorage{}":{"status":"UP"}}}}`), nil
}

func (a *zipkinAPI) info(parameters) (any, error) {
	return json.RawMessage(`{"zipkin":{"version":""}}`), nil
}

// home redirects a browser to the page that shows traces.
func (a *zipkinAPI) home(w http.ResponseWriter, r *http.Request) {
	if a.options.Console == "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintln(w, "Zipkin v2: POST /api/v2/spans, GET /api/v2/traces")
		return
	}
	http.Redirect(w, r, a.options.Console, http.StatusFound)
}

// tracePage redirects an address of Zipkin's page to the console's page of that trace.
func (a *zipkinAPI) tracePage(w http.ResponseWriter, r *http.Request) {
	id, err := zipkin.TraceID(r.PathValue("id"))
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	if a.options.Console == "" {
		http.Redirect(w, r, "/api/v2/trace/"+id, http.StatusFound)
		return
	}
	http.Redirect(w, r, strings.TrimSuffix(a.options.Console, "/")+"/trace/"+id, http.StatusFound)
}
