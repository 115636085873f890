package console

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hopline/hopline/lab/traffic"
	"github.com/hopline/hopline/lab/whatif"
	"github.com/hopline/hopline/pkg/guard"
)

// every is the interval at which the state is read; it is pushed to the pages when it has changed.
const every = time.Second

// Console serves the page and its API. What changes the lab goes through Driving.
type Console struct {
	id      string // of this run of the lab
	source  Source
	traces  Traces
	hosts   []string // besides loopback's and IP addresses, that are accepted as Host
	handler http.Handler
	drives  Driving
	events  *events
	loads   *loads
	look    chan struct{} // makes Run read the state immediately
	asker   whatif.Asker
	readers atomic.Int64 // of the followed logs

	mu           sync.Mutex
	revision     int                           // of the edition that baseline belongs to
	baseline     map[traffic.Flow]traffic.Flow // the counts when that edition started to run
	edgeBaseline map[traffic.EdgeKey]uint64    // the same for the edges
}

// New returns a Console. hosts are the names, besides loopback's and IP addresses, that it accepts as Host. Nothing is live before Run.
func New(source Source, traces Traces, drives Driving, hosts ...string) *Console {
	if drives.Off != "" {
		drives.Token = "" // no page shows it
	}
	c := &Console{id: rand.Text(), source: source, traces: traces, drives: drives, events: newEvents(), loads: newLoads(source.Edition), look: make(chan struct{}, 1)}
	page, mux := newPage(c.id, drives.Token), http.NewServeMux()
	for _, address := range addresses {
		mux.HandleFunc("GET "+address, page.serve)
	}
	mux.HandleFunc("GET /api/state", c.serveState)
	mux.HandleFunc("GET /api/events", c.events.serve)
	mux.HandleFunc("GET /api/conditions", c.serveConditions)
	mux.HandleFunc("GET /api/edges/{id}", c.serveEdge)
	mux.HandleFunc("GET /api/names", c.serveNames)
	mux.HandleFunc("GET /api/traces", c.serveSearch)
	mux.HandleFunc("GET /api/traces/{id}", c.serveTrace)
	c.addAsking(mux)
	mux.HandleFunc("GET /api/series", c.serveSeries)
	mux.HandleFunc("GET /api/logs", c.serveLogs)
	mux.HandleFunc("GET /api/logs/follow", c.followLogs)
	c.addLoad(mux)
	c.addDriving(mux)
	c.addLessons(mux)
	c.hosts = hosts
	c.handler = c.guarded(orMissing(mux, page))
	return c
}

// guarded serves next for the hosts of the console only, and not for pages of other origins.
func (c *Console) guarded(next http.Handler) http.Handler { return guard.Handler(next, c.hosts...) }

// ServeHTTP implements http.Handler.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isAPI(r) {
		w = &errorWriter{ResponseWriter: w}
	}
	c.handler.ServeHTTP(w, r)
}

// Changed reports a change that pages should show immediately. It may be called from any goroutine and does not block.
func (c *Console) Changed() {
	select {
	case c.look <- struct{}{}:
	default: // Run is about to read the state anyway
	}
}

// Run keeps the counts and sends changes to open pages until ctx ends; then it closes their connections.
func (c *Console) Run(ctx context.Context) {
	defer c.events.close()
	defer c.loads.close()
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

// observe records the current counts and returns the state as JSON.
func (c *Console) observe(now time.Time) []byte {
	edition, flows, edges := c.source.Edition(), c.source.Flows(), c.source.Edges(now)
	c.mu.Lock()
	if c.baseline == nil || edition.Revision != c.revision {
		c.revision, c.baseline, c.edgeBaseline = edition.Revision, baselineOf(flows), edgeBaselineOf(edges)
	}
	c.mu.Unlock()
	text, err := json.Marshal(c.build(edition, flows, edges))
	if err != nil {
		panic(err) // State holds nothing that JSON cannot
	}
	return text
}

func (c *Console) serveState(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, c.build(c.source.Edition(), c.source.Flows(), c.source.Edges(time.Now())))
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(v) // the client may have gone
}
