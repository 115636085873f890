package proxy

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

// answer is one that the proxy makes itself, as Envoy's local replies: plain text, or nothing at all. The route's changes to answers' headers hold for
// these too.
func (x *exchange) answer(status int, text string) {
	x.answerHeaders()
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

// begin writes the answer's status and headers.
func (x *exchange) begin(status int) {
	if x.r.ContentLength != 0 && (x.body == nil || !x.body.over()) {
		// What remains of the request is not read: the connection cannot go on.
		x.w.Header()["Connection"] = []string{"close"}
	}
	x.status, x.wrote = status, true
	x.w.WriteHeader(status)
}

// redirect answers as the rule says.
func (x *exchange) redirect() {
	to := x.d.Route.Redirect
	x.w.Header()["Location"] = []string{to.Location(&x.req)}
	x.answer(to.Code, "")
}

// direct answers as the rule says.
func (x *exchange) direct() {
	if x.d.Route.Direct.Location {
		x.w.Header()["Location"] = []string{x.req.URL()}
	}
	x.answer(x.d.Route.Direct.Code, string(x.d.Route.Direct.Body))
}

// pass hands the upstream's answer on to the caller.
func (x *exchange) pass() {
	if x.resp.body == bodyUpgraded {
		x.switchProtocols()
		return
	}
	h := x.w.Header()
	x.copyHead(h)
	if !x.bare {
		if len(x.setCookies) > 0 {
			h["Set-Cookie"] = append(h["Set-Cookie"], x.setCookies...)
		}
		h[hServiceTime] = []string{strconv.FormatInt(x.serviceTime(), 10)}
	}
	if x.resp.body == bodySidecar {
		x.finish(true)
		x.answer(x.resp.status, x.resp.text)
		return
	}
	x.answerHeaders()
	if x.bare {
		if server := x.resp.get("Server"); server != "" {
			h["Server"] = []string{server}
		}
	} else {
		h["Server"] = []string{serverName}
	}
	x.begin(x.resp.status)
	if x.resp.done {
		x.finish(!x.resp.closes && x.bodyWritten())
		return
	}
	complete := x.copyBody()
	x.finish(complete && !x.resp.closes && x.bodyWritten())
	if !complete {
		x.broken = true
	}
}

// serviceTime is how long the upstream took from the end of the request to the head of its answer, in ms.
func (x *exchange) serviceTime() int64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.ended {
		return 0
	}
	return time.Since(x.endedAt).Milliseconds()
}

// copyHead copies the upstream's headers, but for those that concern its connection only.
func (x *exchange) copyHead(h http.Header) {
	fields := x.resp.fields
	values := make([]string, len(fields)) // one allocation for all
	for i := range fields {
		f := &fields[i]
		switch f.name {
		case "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade", "Server", hDecorator:
			continue
		}
		if had, ok := h[f.name]; ok {
			h[f.name] = append(had, f.value)
			continue
		}
		values[i] = f.value
		h[f.name] = values[i : i+1 : i+1]
	}
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // keep net/http from guessing one
	}
}

// copyBody streams the answer's body; false: it did not come, or did not go, to its end. What the upstream has sent is passed on
// before the proxy waits for more.
func (x *exchange) copyBody() bool {
	b := buffers.Get().(*[]byte)
	defer buffers.Put(b)
	flusher, _ := x.w.(http.Flusher)
	for {
		if x.conn.r.Buffered() == 0 && flusher != nil {
			flusher.Flush()
		}
		n, err := x.resp.read(x.conn.r, *b)
		if n > 0 {
			x.sent += int64(n)
			if _, err := x.w.Write((*b)[:n]); err != nil {
				x.flags |= flagClientGone
				return false
			}
		}
		switch {
		case x.resp.done:
			return true
		case err == io.EOF:
			return true
		case err != nil:
			x.flags |= x.bodyFailure(err)
			return false
		}
	}
}

// bodyFailure says why an answer's body ended early.
func (x *exchange) bodyFailure(err error) flags {
	switch {
	case x.gone():
		return flagClientGone
	case errors.Is(err, os.ErrDeadlineExceeded):
		return flagTimeout
	case errors.Is(err, errGarbage):
		return flagProtocol
	}
	return flagTermination
}

// skip is whether the rest of the answer could be taken off the connection without waiting, so that it can be used again.
func (r *response) skip(c *conn) bool {
	if c == nil || r.closes || r.body == bodyUpgraded {
		return false
	}
	if r.done {
		return true
	}
	if r.body != bodyLength || r.length > int64(c.r.Buffered()) {
		return false
	}
	c.r.Discard(int(r.length))
	r.done = true
	return true
}
