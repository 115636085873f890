package proxy

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"

	"github.com/hopline/hopline/lab/internal/wire"
)

// respond sends a response of the proxy's own, like Envoy's local replies: plain text, or no body. The route's changes to response headers
// apply to it too.
func (x *exchange) respond(status int, text string) {
	x.addRouteHeaders()
	x.local(status, text)
}

func (x *exchange) local(status int, text string) {
	h := x.w.Header()
	if text != "" {
		h["Content-Type"] = []string{"text/plain"}
		h["Content-Length"] = []string{strconv.Itoa(len(text))}
	} else {
		h["Content-Type"] = nil // keep net/http from guessing one
		if status != http.StatusNoContent && status != http.StatusNotModified && x.r.Method != http.MethodHead {
			h["Content-Length"] = []string{"0"}
		}
	}
	h["Server"] = []string{serverName}
	x.begin(status)
	if x.r.Method != http.MethodHead && text != "" {
		n, _ := io.WriteString(x.w, text)
		x.sent = int64(n)
	}
}

// begin writes the response's status and headers.
func (x *exchange) begin(status int) {
	if x.upgrade || x.r.ContentLength != 0 && (x.body == nil || !x.body.whole()) {
		// The rest of the request is not read, and the bytes after a refused upgrade are ambiguous: the connection cannot be used again.
		x.w.Header()["Connection"] = []string{"close"}
	}
	x.status, x.wrote = status, true
	x.w.WriteHeader(status)
}

// redirect responds with the rule's redirect.
func (x *exchange) redirect() {
	to := x.d.Route.Redirect
	x.w.Header()["Location"] = []string{to.Location(&x.req)}
	x.respond(to.Code, "")
}

// direct responds with the rule's direct response.
func (x *exchange) direct() {
	if x.d.Route.Direct.Location {
		x.w.Header()["Location"] = []string{x.req.URL()}
	}
	x.respond(x.d.Route.Direct.Code, string(x.d.Route.Direct.Body))
}

// preflight responds to a preflight request by the route's corsPolicy. Envoy makes no other changes of the route to this response.
func (x *exchange) preflight() {
	h := x.w.Header()
	for _, f := range x.d.Route.CORS.Headers(&x.req) {
		h[f.Name] = []string{f.Value}
	}
	x.local(http.StatusOK, "")
}

// pass sends the upstream's response to the caller.
func (x *exchange) pass() {
	if x.resp.Upgraded() {
		x.switchProtocols()
		return
	}
	h := x.receivedHead()
	if x.stopped {
		x.finish()
		x.respond(x.resp.Status, inboundText[x.resp.Status])
		return
	}
	x.addRouteHeaders()
	x.nameServer(h)
	x.begin(x.resp.Status)
	if !x.resp.Done() && !x.copyBody() {
		x.broken = true
	}
	x.finish()
}

// receivedHead returns the response's headers: those of the upstream, and what the proxy adds to them before the route's changes.
func (x *exchange) receivedHead() http.Header {
	h := x.w.Header()
	x.copyHead(h)
	if !x.noSidecar {
		if len(x.setCookies) > 0 {
			h["Set-Cookie"] = append(h["Set-Cookie"], x.setCookies...)
		}
		// Envoy measures from the end of the request, and one for an upgrade has none.
		if took, ok := x.deadlines.sinceEnd(); ok && !x.upgrade {
			h[hServiceTime] = []string{strconv.FormatInt(took.Milliseconds(), 10)}
		}
	}
	return h
}

// nameServer sets the header Server: the proxy's own name, or without a sidecar the upstream's.
func (x *exchange) nameServer(h http.Header) {
	if !x.noSidecar {
		h["Server"] = []string{serverName}
	} else if server := x.resp.Get("Server"); server != "" {
		h["Server"] = []string{server}
	}
}

// copyHead copies the upstream's response headers, except those that concern only its connection.
func (x *exchange) copyHead(h http.Header) {
	fields := x.resp.Fields
	values := make([]string, len(fields)) // one allocation for all
	for i := range fields {
		f := &fields[i]
		switch f.Name {
		case "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade", "Server", hDecorator:
			continue
		}
		if had, ok := h[f.Name]; ok {
			h[f.Name] = append(had, f.Value)
			continue
		}
		values[i] = f.Value
		h[f.Name] = values[i : i+1 : i+1]
	}
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // keep net/http from guessing one
	}
}

// copyBody streams the response's body and reports whether all of it was read and written. It flushes what the upstream has sent before it
// waits for more.
func (x *exchange) copyBody() bool {
	w := windows.Get().(*wire.Window)
	defer windows.Put(w)
	flusher, _ := x.w.(http.Flusher)
	for {
		if x.conn.Buffered() == 0 && flusher != nil {
			flusher.Flush()
		}
		n, err := x.conn.Read(&x.resp, w.Bytes())
		if n > 0 {
			if x.body != nil {
				x.body.idle.heard()
			}
			x.sent += int64(n)
			if _, err := x.w.Write(w.Bytes()[:n]); err != nil {
				x.flags |= flagClientGone
				return false
			}
		}
		switch {
		case x.resp.Done():
			return true
		case errors.Is(err, io.EOF):
			return true
		case err != nil:
			x.flags |= x.bodyFailure(err)
			return false
		}
	}
}

// bodyFailure returns the flags for a response body that ended early.
func (x *exchange) bodyFailure(err error) flags {
	switch {
	case x.body != nil && x.body.idle.over():
		return flagStreamIdle
	case x.gone():
		return flagClientGone
	case errors.Is(err, os.ErrDeadlineExceeded):
		return flagTimeout
	case errors.Is(err, wire.ErrMalformed):
		return flagProtocol
	}
	return flagTermination
}
