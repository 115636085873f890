package proxy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/internal/wire"
	"github.com/hopline/hopline/lab/mesh"
)

// NewServer returns the HTTP server for the handlers of a proxy, with the limits of Envoy's listeners: 60 KiB of headers, one hour idle,
// and no limit on the duration of a request or its response, except for a body that stops arriving: see bodyIdle.
func NewServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		MaxHeaderBytes:    wire.MaxHeadBytes,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       time.Hour,

		DisableGeneralOptionsHandler: true,                       // OPTIONS * is a request like any other
		ErrorLog:                     log.New(io.Discard, "", 0), // of connections that fail; requests are counted and logged by the proxy
	}
}

// Entry returns the handler for requests from outside, at a port of the gateway that the rules name: each swap of the rules may name
// another one.
func (p *Proxy) Entry(port int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := p.state.Load()
		s.entry.serveIn(s, w, r, r.Host, port, arrival{})
	})
}

// Gateway returns the handler for requests to one gateway of the mesh, at a port that its Gateway objects open.
func (p *Proxy) Gateway(source mesh.Source, port int) http.Handler {
	c := newCaller(p, source, source.Workload+"-"+strconv.Itoa(port), port)
	p.mu.Lock()
	p.entries = append(p.entries, c)
	p.setTokens()
	p.mu.Unlock()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.serve(w, r, r.Host, port, arrival{}) })
}

// Credentials returns what a pod puts into its HTTP_PROXY to identify itself to its sidecar. They are valid for the lifetime of the proxy.
func (p *Proxy) Credentials(pod string) *url.Userinfo { return url.UserPassword(pod, p.password(pod)) }

func (p *Proxy) password(pod string) string {
	mac := hmac.New(sha256.New, p.secret[:])
	mac.Write([]byte(pod))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// token returns the value of Proxy-Authorization that a pod sends.
func (p *Proxy) token(pod string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(pod+":"+p.password(pod)))
}

// Sidecar returns the HTTP proxy that acts as the sidecars of all pods. The credentials of a request identify the pod.
//
// CONNECT is rejected. A sidecar would pass TLS through, routed by the name in its handshake. The services of the suite send plain HTTP, as
// the mesh does the encrypting, and a tunnel would bypass every rule.
func (p *Proxy) Sidecar() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := (*p.tokens.Load())[value(r.Header, hCredentials)]
		switch {
		case c == nil || c.source.Gateway:
			w.Header()["Proxy-Authenticate"] = []string{`Basic realm="hopline"`}
			refuse(w, http.StatusProxyAuthRequired, "the sidecar does not know who calls: set HTTP_PROXY to the value that the lab gave this pod, with user and password")
		case r.Method == http.MethodConnect:
			refuse(w, http.StatusMethodNotAllowed, fmt.Sprintf("CONNECT %s: the sidecar carries plain HTTP only; call http://%s instead and let the mesh do the encrypting", r.RequestURI, hostOnly(r.Host)))
		case len(r.RequestURI) < len("http://") || !strings.EqualFold(r.RequestURI[:len("http://")], "http://"):
			refuse(w, http.StatusBadRequest, fmt.Sprintf("%s %s: the sidecar is an HTTP proxy and wants the whole URL, beginning with http://", r.Method, r.RequestURI))
		default:
			delete(r.Header, hCredentials) // these headers are for the sidecar, not part of the request
			delete(r.Header, "Proxy-Connection")
			authority, port := r.Host, 80
			if _, s, err := net.SplitHostPort(authority); err == nil {
				if port, _ = strconv.Atoi(s); s == "" {
					authority, port = strings.TrimSuffix(authority, ":"), 80
				}
			}
			c.serve(w, r, authority, port, arrival{})
		}
	})
}

func hostOnly(authority string) string {
	if h, _, err := net.SplitHostPort(authority); err == nil {
		return h
	}
	return authority
}

// refuse responds to a request that never entered the mesh.
func refuse(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h["Content-Type"] = []string{"text/plain"}
	h["Server"] = []string{serverName}
	w.WriteHeader(status)
	io.WriteString(w, text+"\n")
	linger(w)
}
