package traffic

import (
	"net/http"
	"sync"
	"time"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/proxy"
)

// Bounds of the last calls.
const (
	maxCalls = 1000
	maxText  = 2048 // bytes kept of a call's path, and of each other text
	maxBytes = 8192 // kept of all texts of a call
)

// Call is one of the last requests, with all that a rule or policy of the running table can match on.
type Call struct {
	Number  uint64 // 1 for the first request of the lab
	Edge    EdgeKey
	Copy    bool // a copy that a rule mirrors: no rule decided it
	Source  *mesh.Source
	From    *mesh.Source // the workload that called the gateway Source; nil: Source is no gateway, or the caller is outside the mesh
	Request mesh.Request // as it was decided, with only the headers that rules match on
	Cut     bool         // the request is too large to be kept whole: it cannot be decided again

	Start    time.Time
	Duration time.Duration
	Status   int    // 0: no response was sent
	Flags    string // Envoy's response flags, "-" for none
	Tries    int
	Denied   bool // by an AuthorizationPolicy
	Injected bool // delayed or aborted by a rule's fault
	TraceID  string
}

// ring keeps the last calls. Its records reuse their memory.
type ring struct {
	mu      sync.Mutex
	records []record
	count   uint64
}

// record is a call as it is kept. Texts are copied: a text of a request is a part of the whole request, which it would otherwise keep alive.
type record struct {
	of      *counters
	headers []string // names
	call    Call     // without Source, From, Request, Edge and TraceID
	port    int
	bytes   []byte // all texts one after the other
	ends    [5]int // of method, scheme, authority, path and trace id in bytes
	values  []value
}

// value is one value of a header: its index in record.headers, and the end of its text in bytes.
type value struct{ header, end int }

func (r *ring) add(a *proxy.Access, c *counters) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var slot *record
	if len(r.records) < maxCalls {
		r.records = append(r.records, record{})
		slot = &r.records[len(r.records)-1]
	} else {
		slot = &r.records[r.count%maxCalls]
	}
	r.count++
	slot.set(a, c, r.count)
}

func (r *record) set(a *proxy.Access, c *counters, number uint64) {
	r.of, r.headers, r.port = c, a.Headers, a.Port
	r.call = Call{Number: number, Copy: a.Copy, Start: a.Start, Duration: a.Duration, Status: a.Status, Flags: a.Flags, Tries: a.Attempts,
		Denied: a.Denied, Injected: c.injected}
	r.bytes, r.values = r.bytes[:0], r.values[:0]
	for i, text := range [...]string{a.Method, a.Scheme, a.Authority, a.Path, a.TraceID} {
		r.keep(text)
		r.ends[i] = len(r.bytes)
	}
	for i, values := range a.Values {
		for _, text := range values {
			r.keep(text)
			r.values = append(r.values, value{i, len(r.bytes)})
		}
	}
}

// keep copies a text as far as the bounds allow.
func (r *record) keep(text string) {
	room := min(maxText, maxBytes-len(r.bytes))
	if len(text) > room {
		text, r.call.Cut = text[:room], true
	}
	r.bytes = append(r.bytes, text...)
}

// read returns the call of a record.
func (r *record) read() Call {
	texts, begin := [5]string{}, 0
	for i, end := range r.ends {
		texts[i], begin = string(r.bytes[begin:end]), end
	}
	c := r.call
	c.Edge, c.Source, c.From, c.TraceID = r.of.key, r.of.source, r.of.from, texts[4]
	c.Request = mesh.Request{Method: texts[0], Scheme: texts[1], Authority: texts[2], Path: texts[3], Port: r.port, Header: http.Header{}}
	for _, v := range r.values {
		name := r.headers[v.header]
		c.Request.Header[name] = append(c.Request.Header[name], string(r.bytes[begin:v.end]))
		begin = v.end
	}
	return c
}

// Calls returns the last calls for which keep is true, the newest first, at most limit of them. A nil keep keeps all.
func (t *Traffic) Calls(limit int, keep func(EdgeKey) bool) []Call {
	r := &t.calls
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := []Call{}
	for i := range uint64(len(r.records)) {
		if len(calls) >= limit {
			break
		}
		one := &r.records[(r.count-1-i)%maxCalls]
		if keep == nil || keep(one.of.key) {
			calls = append(calls, one.read())
		}
	}
	return calls
}
