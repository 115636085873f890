package fidelity

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Headers of a request that control the echo. A value may be a list: the nth try of the request gets the nth item, later ones the last. The
// engines pass them on like any other header.
const (
	idHeader     = "x-fidelity-id"     // names the request: its tries and copies share it
	statusHeader = "x-fidelity-status" // "503,503,200"
	delayHeader  = "x-fidelity-delay"  // "1s,0s": the delay before the response
	closeHeader  = "x-fidelity-close"  // "1,0": close the connection without a response
	answerHeader = "x-fidelity-answer" // "name=value": a header of the response
	sickHeader   = "x-fidelity-sick"   // the workload that responds with 503, while others succeed
	slowHeader   = "x-fidelity-slow"   // "workload=2s": the workload that is slow, while others are not
)

// arrival is one request as an upstream received it.
type arrival struct {
	workload, pod     string
	method, uri, host string
	header            http.Header
	body              string // a digest if it is long
	at                time.Time
}

// upstreams are the echo servers behind both engines and the requests that have arrived at them.
type upstreams struct {
	mu       sync.Mutex
	arrivals map[string][]arrival
	servers  []*http.Server
}

// listen starts the echo servers: one for each container port of each pod.
func listen(w *world) (*upstreams, error) {
	u := &upstreams{arrivals: map[string][]arrival{}}
	for _, p := range w.pods {
		for _, c := range p.Spec.Containers {
			for _, port := range c.Ports {
				l, err := net.Listen("tcp", net.JoinHostPort(p.Status.PodIP, strconv.Itoa(int(port.ContainerPort))))
				if err != nil {
					u.close()
					return nil, err
				}
				s := &http.Server{Handler: u.echo(p.Annotations[workloadKey], p.Name)}
				u.servers = append(u.servers, s)
				go s.Serve(l)
			}
		}
	}
	return u, nil
}

func (u *upstreams) close() {
	for _, s := range u.servers {
		s.Close()
	}
}

// take returns and removes the requests with an id.
func (u *upstreams) take(id string) []arrival {
	u.mu.Lock()
	defer u.mu.Unlock()
	defer delete(u.arrivals, id)
	return u.arrivals[id]
}

func (u *upstreams) echo(workload, pod string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 8<<20))
		id := r.Header.Get(idHeader)
		u.mu.Lock()
		this, try := arrival{workload, pod, r.Method, r.RequestURI, r.Host, r.Header.Clone(), digest(body), time.Now()}, 0
		for _, a := range u.arrivals[id] {
			if a.app() == this.app() {
				try++
			}
		}
		u.arrivals[id] = append(u.arrivals[id], this)
		u.mu.Unlock()
		item := func(header string) string {
			list := strings.Split(r.Header.Get(header), ",")
			return strings.TrimSpace(list[min(try, len(list)-1)])
		}
		delay := item(delayHeader)
		if slow, d, ok := strings.Cut(r.Header.Get(slowHeader), "="); ok && slow == workload {
			delay = d
		}
		if d, err := time.ParseDuration(delay); err == nil {
			select {
			case <-time.After(d):
			case <-r.Context().Done():
				return
			}
		}
		if item(closeHeader) == "1" {
			panic(http.ErrAbortHandler)
		}
		if name, value, ok := strings.Cut(r.Header.Get(answerHeader), "="); ok {
			w.Header().Set(name, value)
		}
		code, err := strconv.Atoi(item(statusHeader))
		if err != nil {
			code = http.StatusOK
		}
		if r.Header.Get(sickHeader) == workload {
			code = http.StatusServiceUnavailable
		}
		if code == http.StatusSwitchingProtocols {
			upgrade(w, try+1)
			return
		}
		w.WriteHeader(code)
		fmt.Fprintf(w, "echo %d", try+1)
	})
}

// upgrade accepts an upgrade to websocket, writes what the echo writes to the new connection and closes it.
func upgrade(w http.ResponseWriter, try int) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	head := w.Header()
	head.Set("Connection", "Upgrade")
	head.Set("Upgrade", "websocket")
	fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\n")
	head.Write(c)
	fmt.Fprintf(c, "\r\necho %d", try)
}

func digest(body []byte) string {
	if len(body) <= 64 {
		return string(body)
	}
	sum := sha256.Sum256(body)
	return fmt.Sprintf("%d bytes, sha256 %s", len(body), hex.EncodeToString(sum[:8]))
}
