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

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/proxy/wire"
)

// NewServer is the HTTP server for the handlers of a proxy, with the limits of Envoy's listeners: 60 KiB of headers, an hour of idling, and no
// limit on how long a request or its answer takes, but for a body that stops coming: see bodyIdle.
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

// Gateway is the entry for requests from outside: the source is a gateway of the mesh, the port one that its Gateway objects open.
func (p *Proxy) Gateway(source mesh.Source, port int) http.Handler {
	c := newCaller(p, source, source.Workload+"-"+strconv.Itoa(port), port)
	p.mu.Lock()
	p.entries = append(p.entries, c)
	p.setTokens()
	p.mu.Unlock()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.serve(w, r, r.Host, port, nil) })
}

// Credentials are what a pod puts into its HTTP_PROXY to be known by its sidecar. They hold for as long as the proxy lives.
func (p *Proxy) Credentials(pod string) *url.Userinfo { return url.UserPassword(pod, p.password(pod)) }

func (p *Proxy) password(pod string) string {
	mac := hmac.New(sha256.New, p.secret[:])
	mac.Write([]byte(pod))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// token is the value of Proxy-Authorization that a pod sends.
func (p *Proxy) token(pod string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(pod+":"+p.password(pod)))
}

// Sidecar is the HTTP proxy that stands for the sidecars of all pods: the credentials of a request say which.
//
// CONNECT is refused. A sidecar would pass TLS on as it is, by the name in its handshake; services of the suite speak plain HTTP, as the
// mesh does the encrypting, and a tunnel would lead past every rule.
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
			delete(r.Header, hCredentials) // the way into the sidecar is no part of the request
			delete(r.Header, "Proxy-Connection")
			authority, port := r.Host, 80
			if _, s, err := net.SplitHostPort(authority); err == nil {
				if port, _ = strconv.Atoi(s); s == "" {
					authority, port = strings.TrimSuffix(authority, ":"), 80
				}
			}
			c.serve(w, r, authority, port, nil)
		}
	})
}

func hostOnly(authority string) string {
	if h, _, err := net.SplitHostPort(authority); err == nil {
		return h
	}
	return authority
}

// refuse answers what never became a request of the mesh.
func refuse(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h["Content-Type"] = []string{"text/plain"}
	h["Server"] = []string{serverName}
	w.WriteHeader(status)
	io.WriteString(w, text+"\n")
	linger(w)
}
