package drive

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"

	"github.com/hopline/hopline/lab/internal/bundle"
)

// maxRequest bounds the body of a request in bytes.
const maxRequest = 64 << 10

// API serves the changes over HTTP:
//
//	GET    /api/changes             {"changes": […]}
//	POST   /api/changes             a Request makes a change: {"change": …, "dropped": […]}
//	DELETE /api/changes             undoes all
//	DELETE /api/changes/{id}        undoes one: {"dropped": […]}
//	GET    /api/changes/{id}/patch  the change as a kustomize patch, as YAML
//	POST   /api/changes/{id}/keep   writes the change to the overlay's files: {"files": […]}
//	GET    /api/overlays            {"active": "canary", "overlays": […]}
//	GET    /api/rule                ?object=&rule=: an http rule as it is active
//	GET    /api/faults              ?workload=: the faults of its processes
//
// An error is {"error": "place: want X, got Y"}. It does not check who sends the request.
func (d *Drive) API() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/changes", func(w http.ResponseWriter, r *http.Request) {
		respond(w, map[string]any{"changes": d.Changes()}, nil)
	})
	mux.HandleFunc("POST /api/changes", d.serveDo)
	mux.HandleFunc("DELETE /api/changes", func(w http.ResponseWriter, r *http.Request) {
		respond(w, map[string]any{}, d.UndoAll())
	})
	mux.HandleFunc("DELETE /api/changes/{id}", func(w http.ResponseWriter, r *http.Request) {
		dropped, err := d.Undo(r.PathValue("id"))
		respond(w, map[string]any{"dropped": some(dropped)}, err)
	})
	mux.HandleFunc("GET /api/changes/{id}/patch", d.servePatch)
	mux.HandleFunc("POST /api/changes/{id}/keep", func(w http.ResponseWriter, r *http.Request) {
		files, err := d.Keep(r.PathValue("id"))
		respond(w, map[string]any{"files": some(files)}, err)
	})
	mux.HandleFunc("GET /api/overlays", d.serveOverlays)
	mux.HandleFunc("GET /api/rule", d.serveRule)
	mux.HandleFunc("GET /api/faults", d.serveFaults)
	return mux
}

func (d *Drive) serveDo(w http.ResponseWriter, r *http.Request) {
	var wanted Request
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&wanted)
	if _, more := decoder.Token(); err == nil && !errors.Is(more, io.EOF) {
		err = errors.New("more than one value")
	}
	if err != nil {
		respond(w, nil, fmt.Errorf(`body: want one change such as {"kind":"scale","workload":"middle-prod","value":3}: %w`, err))
		return
	}
	change, dropped, err := d.Do(wanted)
	respond(w, map[string]any{"change": change, "dropped": some(dropped)}, err)
}

func (d *Drive) servePatch(w http.ResponseWriter, r *http.Request) {
	patch, err := d.Patch(r.PathValue("id"))
	if err != nil {
		respond(w, nil, err)
		return
	}
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, patch) // the client may have gone
}

func (d *Drive) serveOverlays(w http.ResponseWriter, _ *http.Request) {
	all, err := d.overlays()
	active := filepath.Base(d.Dir())
	if all[active] != d.Dir() { // a lesson runs one that is elsewhere
		active = bundle.FromHere(d.Dir())
	}
	names := slices.AppendSeq([]string{active}, maps.Keys(all))
	slices.Sort(names)
	respond(w, map[string]any{"active": active, "overlays": slices.Compact(names)}, err)
}

// respond writes a result or, with an error, the error.
func respond(w http.ResponseWriter, result any, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	switch {
	case errors.Is(err, errNoChange):
		w.WriteHeader(http.StatusNotFound)
	case errors.Is(err, errNotKept):
		w.WriteHeader(http.StatusConflict)
	case err != nil:
		w.WriteHeader(http.StatusUnprocessableEntity)
	}
	if err != nil {
		result = map[string]string{"error": err.Error()}
	}
	_ = json.NewEncoder(w).Encode(result) // the client may have gone
}

// some returns an empty list for nil, so that JSON never has null.
func some(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
