package console

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// The bounds of the live connection.
const (
	maxPages  = 64               // open pages
	pingEvery = 15 * time.Second // so that a page notices when the lab has gone
)

// events sends the newest state to all open pages, as Server-Sent Events. A slow page misses states but never receives old ones.
type events struct {
	mu     sync.Mutex
	last   []byte
	pages  map[chan []byte]struct{} // each with room for the newest state
	closed chan struct{}
}

func newEvents() *events {
	return &events{pages: map[chan []byte]struct{}{}, closed: make(chan struct{})}
}

// publish sends a state, unless it equals the last one.
func (e *events) publish(state []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if string(state) == string(e.last) {
		return
	}
	e.last = state
	for page := range e.pages {
		select {
		case <-page: // it has not received the previous one
		default:
		}
		page <- state
	}
}

func (e *events) close() { close(e.closed) }

// join adds a page and sends it the last state. It returns nil when there are too many.
func (e *events) join() chan []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.pages) >= maxPages {
		return nil
	}
	page := make(chan []byte, 1)
	if e.last != nil {
		page <- e.last
	}
	e.pages[page] = struct{}{}
	return page
}

func (e *events) leave(page chan []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.pages, page)
}

func (e *events) serve(w http.ResponseWriter, r *http.Request) {
	page := e.join()
	if page == nil {
		w.Header().Set("Retry-After", "5")
		writeError(w, http.StatusServiceUnavailable, fmt.Errorf("%d pages are open already", maxPages))
		return
	}
	defer e.leave(page)
	stream := openStream(w)
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	alive := stream.send("retry: 1000\n\n")
	for alive {
		select {
		case state := <-page:
			alive = stream.send("data: " + string(state) + "\n\n")
		case <-ping.C:
			alive = stream.send(": still here\n\n")
		case <-e.closed:
			return
		case <-r.Context().Done():
			return
		}
	}
}
