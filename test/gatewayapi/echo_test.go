package gatewayapi

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/websocket"
)

// newEcho returns the server of a pod. It does what the suite's program echo-basic does, which cannot be imported and listens on fixed ports: it
// responds with the request in JSON, with a status (/status/503), or only after some tries (/retry/); /ws echoes a WebSocket.
func newEcho(p *pod, port int) http.Handler {
	e := &echo{pod: p, port: port, tries: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/status/", status)
	mux.HandleFunc("/retry/", e.retry)
	mux.Handle("/ws", websocket.Handler(func(ws *websocket.Conn) { _, _ = io.Copy(ws, ws) }))
	mux.HandleFunc("/", e.echo)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = strings.ReplaceAll(r.URL.Path, "//", "/")
		mux.ServeHTTP(w, r)
	})
}

type echo struct {
	pod  *pod
	port int

	mu    sync.Mutex
	tries map[string]int // by the request's uuid
}

// echoed is the response of the suite's echo servers.
type echoed struct {
	Path      string              `json:"path"`
	Host      string              `json:"host"`
	Method    string              `json:"method"`
	Proto     string              `json:"proto"`
	Headers   map[string][]string `json:"headers"`
	HTTPPort  string              `json:"httpPort"`
	Namespace string              `json:"namespace"`
	Pod       string              `json:"pod"`
}

// echo responds with the request, after ?delay=.
func (e *echo) echo(w http.ResponseWriter, r *http.Request) {
	e.pod.log.add(fmt.Sprintf("Echoing back request made to %s to client (%s)", r.RequestURI, r.RemoteAddr))
	if !delayed(w, r, "delay") {
		return
	}
	setHeaders(w, r.Header["X-Echo-Set-Header"])
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_ = json.NewEncoder(w).Encode(echoed{Path: r.RequestURI, Host: r.Host, Method: r.Method, Proto: r.Proto, Headers: r.Header,
		HTTPPort: strconv.Itoa(e.port), Namespace: e.pod.namespace, Pod: e.pod.name})
}

// setHeaders sets response headers that the request lists: "name:value, name:value".
func setHeaders(w http.ResponseWriter, lists []string) {
	for _, list := range lists {
		for header := range strings.SplitSeq(list, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(header), ":")
			if old := w.Header()[name]; len(old) > 0 { // in the letter case of the request
				value = old[0] + "," + strings.TrimSpace(value)
			}
			w.Header()[name] = []string{value}
		}
	}
}

// delayed waits for the duration in a parameter. It reports whether that is one.
func delayed(w http.ResponseWriter, r *http.Request, parameter string) bool {
	text := r.FormValue(parameter)
	if text == "" {
		return true
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return false
	}
	select {
	case <-time.After(d):
	case <-r.Context().Done():
	}
	return true
}

var statusPath = regexp.MustCompile(`^/status/(\d\d\d)$`)

func status(w http.ResponseWriter, r *http.Request) {
	code := http.StatusBadRequest
	if m := statusPath.FindStringSubmatch(r.RequestURI); m != nil {
		code, _ = strconv.Atoi(m[1])
	}
	w.WriteHeader(code)
}

// retry fails the first ?succeedAfter= tries of a ?uuid=, by ?responseCode= or by a reset of the connection.
func (e *echo) retry(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("uuid")
	after, err := strconv.Atoi(r.URL.Query().Get("succeedAfter"))
	if id == "" || err != nil {
		http.Error(w, "want uuid and succeedAfter", http.StatusBadRequest)
		return
	}
	e.mu.Lock()
	fails := e.tries[id] < after
	e.tries[id]++
	e.mu.Unlock()
	switch code, err := strconv.Atoi(r.URL.Query().Get("responseCode")); {
	case !fails:
		e.echo(w, r)
	case !delayed(w, r, "delayRetry"):
	case err == nil:
		w.WriteHeader(code)
	default:
		reset(w)
	}
}

// reset ends the connection without a response.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// log holds the lines that a pod has printed.
type log struct {
	mu    sync.Mutex
	lines []line
}

type line struct {
	at   time.Time
	text string
}

func (l *log) add(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line{time.Now(), text})
}

// since returns the lines from a time on.
func (l *log) since(at time.Time) (out []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if !line.at.Before(at) {
			out = append(out, line.text)
		}
	}
	return out
}
