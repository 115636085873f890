// Package console is the lab's page: what runs, what the rules ask for beside what is seen, and the traces with their logs.
package console

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/hopline/hopline/pkg/guard"
)

// every is how often the state is looked at, and pushed to the pages when it has changed.
const every = time.Second

// Console serves the page and its API. It reads and never changes anything.
type Console struct {
	source  Source
	traces  Traces
	handler http.Handler
	events  *events
	look    chan struct{} // asks Run to look at once

	mu       sync.Mutex
	rates    rates
	revision int           // of the edition that baseline belongs to
	baseline map[Flow]Flow // the counts when it came to run
}

// New makes a Console. hosts are names, beside loopback's and plain addresses, that it may be reached by. Nothing is live before Run.
func New(source Source, traces Traces, hosts ...string) *Console {
	c := &Console{source: source, traces: traces, events: newEvents(), look: make(chan struct{}, 1)}
	page, mux := newPage(), http.NewServeMux()
	mux.HandleFunc("GET /{$}", page.serve)
	mux.HandleFunc("GET /trace/{id}", page.serve)
	mux.HandleFunc("GET /api/state", c.serveState)
	mux.HandleFunc("GET /api/events", c.events.serve)
	mux.HandleFunc("GET /api/names", c.serveNames)
	mux.HandleFunc("GET /api/traces", c.serveSearch)
	mux.HandleFunc("GET /api/traces/{id}", c.serveTrace)
	c.handler = guard.Handler(mux, hosts...)
	return c
}

// ServeHTTP implements http.Handler.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.handler.ServeHTTP(w, r) }

// Changed says that something has changed which pages should show at once. It may be called from anywhere and returns at once.
func (c *Console) Changed() {
	select {
	case c.look <- struct{}{}:
	default: // Run is about to look anyway
	}
}

// Run keeps the counts and tells open pages what has changed, until ctx ends; then it lets the pages go.
func (c *Console) Run(ctx context.Context) {
	defer c.events.close()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		c.events.publish(c.observe(time.Now()))
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-c.look:
		}
	}
}

// observe takes the counts of this moment in and returns the state as JSON.
func (c *Console) observe(now time.Time) []byte {
	edition, flows := c.source.Edition(), c.source.Flows()
	c.mu.Lock()
	if c.baseline == nil || edition.Revision != c.revision {
		c.revision, c.baseline = edition.Revision, baselineOf(flows)
	}
	c.rates.add(now, flows)
	c.mu.Unlock()
	text, err := json.Marshal(c.build(edition, flows))
	if err != nil {
		panic(err) // State holds nothing that JSON cannot
	}
	return text
}

func (c *Console) serveState(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, c.build(c.source.Edition(), c.source.Flows()))
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(v) // the client may have gone
}
