package console

import (
	"net/http"
	"time"
)

// writeTimeout bounds the time for one event. A slower page is disconnected, and reconnects.
const writeTimeout = 10 * time.Second

// eventStream is a response of Server-Sent Events.
type eventStream struct {
	w          http.ResponseWriter
	connection *http.ResponseController
}

// openStream begins such a response.
func openStream(w http.ResponseWriter) eventStream {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	return eventStream{w, http.NewResponseController(w)}
}

// send writes the text of an event, and reports whether the client can still receive more.
func (s eventStream) send(text string) bool {
	// Not every writer supports deadlines; those of net/http do.
	_ = s.connection.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := s.w.Write([]byte(text))
	return err == nil && s.connection.Flush() == nil
}
