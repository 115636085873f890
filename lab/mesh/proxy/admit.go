package proxy

import (
	"net/http"
	"strings"

	"github.com/hopline/hopline/lab/internal/wire"
	"github.com/hopline/hopline/lab/mesh/urlpath"
)

// admissible rejects what Envoy's listener rejects: HTTP/1.0, too many headers, unknown methods, upgrades other than to WebSocket, and
// paths that cannot be normalized.
func (x *exchange) admissible() bool {
	h := x.r.Header
	if !x.r.ProtoAtLeast(1, 1) {
		x.refuse(http.StatusUpgradeRequired, "Upgrade Required")
		return false
	}
	if tooMany(h) {
		x.refuse(http.StatusRequestHeaderFieldsTooLarge, "Request Header Fields Too Large")
		return false
	}
	if u := value(h, "Upgrade"); u != "" && wire.HasToken(value(h, "Connection"), "upgrade") && !strings.EqualFold(u, "h2c") {
		if !strings.EqualFold(u, "websocket") {
			x.refuse(http.StatusForbidden, "")
			return false
		}
		x.upgrade = true
	}
	if !methods[x.req.Method] {
		x.refuse(http.StatusBadRequest, "Bad Request")
		return false
	}
	if x.req.Method == http.MethodConnect || x.req.Method == http.MethodOptions && x.req.Path == "*" {
		x.flags |= flagNoRoute
		x.refuse(http.StatusNotFound, "")
		return false
	}
	if !x.absoluteForm() {
		return false
	}
	if !urlpath.ValidTarget(x.req.Path) {
		x.refuse(http.StatusBadRequest, "Bad Request")
		return false
	}
	path, ok := urlpath.Normalize(x.req.Path)
	if !ok {
		x.refuse(http.StatusBadRequest, "")
		return false
	}
	x.req.Path = path
	return true
}

// absoluteForm rejects what Envoy's listeners reject of targets that are whole URLs: schemes other than http, no host, and an empty port.
// (Sidecar has already checked the whole URL that a pod sends it.)
func (x *exchange) absoluteForm() bool {
	if !x.in.untrusted || strings.HasPrefix(x.r.RequestURI, "/") {
		return true
	}
	host := x.r.URL.Host
	switch named := host != "" && !strings.HasSuffix(host, ":"); {
	case named && x.r.URL.Scheme == "http":
		return true
	case named && x.r.URL.Scheme == "https":
		x.refuse(http.StatusForbidden, "Forbidden")
	default:
		x.refuse(http.StatusBadRequest, "Bad Request")
	}
	return false
}

// methods holds the methods that Envoy accepts (BalsaParser). Any other is a bad request.
var methods = map[string]bool{
	"ACL": true, "BIND": true, "CHECKOUT": true, "CONNECT": true, "COPY": true, "DELETE": true, "GET": true, "HEAD": true, "LINK": true, "LOCK": true,
	"MERGE": true, "MKACTIVITY": true, "MKCALENDAR": true, "MKCOL": true, "MOVE": true, "MSEARCH": true, "NOTIFY": true, "OPTIONS": true,
	"PATCH": true, "POST": true, "PROPFIND": true, "PROPPATCH": true, "PURGE": true, "PUT": true, "REBIND": true, "REPORT": true,
	"SEARCH": true, "SOURCE": true, "SUBSCRIBE": true, "TRACE": true, "UNBIND": true, "UNLINK": true, "UNLOCK": true, "UNSUBSCRIBE": true,
}

// refuse responds and closes the connection.
func (x *exchange) refuse(status int, text string) {
	x.w.Header()["Connection"] = []string{"close"}
	x.respond(status, text)
}

// maxFields bounds the header lines of a request; it is Envoy's default.
const maxFields = 100

func tooMany(h http.Header) bool {
	n := 1 // Host
	for _, v := range h {
		n += len(v)
	}
	return n > maxFields
}
