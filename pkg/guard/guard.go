// Package guard decides which requests of web browsers a local port accepts. A browser runs pages of any origin and can reach this machine.
// Without a guard such a page could send requests to the port, or read from it under its own name (DNS rebinding). Programs are not
// affected: they send neither Origin nor Sec-Fetch-Site, and use an address or a local name.
package guard

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// AnyLabel among the hosts of Handler allows every name of one label, such as core or prometheus: a container, a pod or a machine of the
// local network. A page of another origin cannot have such a name.
const AnyLabel = "*"

// crossOrigin has no state but its lists of exceptions, which are empty.
var crossOrigin = http.NewCrossOriginProtection()

// Handler serves next if the Host is an address, localhost or one of hosts, and responds with 421 to any other. A request that can change
// something and that a browser sends for a page of another origin gets 403. Other origins cannot embed the responses.
func Handler(next http.Handler, hosts ...string) http.Handler {
	hosts = slices.Clone(hosts)
	for i := range hosts {
		hosts[i] = strings.ToLower(hosts[i])
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !allows(hosts, hostname(r.Host)) {
			http.Error(w, "hopline: this port does not serve the host of the request; use localhost or an address", http.StatusMisdirectedRequest)
			return
		}
		if err := crossOrigin.Check(r); err != nil {
			forbid(w, err)
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// SameOrigin serves next, except to browsers that send a request for a page of another origin: they get 403, whatever the method. It is for
// a path that has an effect on GET. Browsers state the origin of a GET only to localhost, to loopback addresses and over TLS (the Fetch
// Metadata specification, "potentially trustworthy URL"); such a GET to another address passes.
func SameOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := CrossOrigin(r); err != nil {
			forbid(w, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// CrossOrigin returns an error if a browser sends the request for a page of another origin, whatever the method.
func CrossOrigin(r *http.Request) error {
	asChange := &http.Request{Method: http.MethodPost, Header: r.Header, Host: r.Host, URL: r.URL}
	return crossOrigin.Check(asChange)
}

func forbid(w http.ResponseWriter, err error) {
	http.Error(w, "hopline: "+err.Error(), http.StatusForbidden)
}

// allows reports whether name is an address, localhost or one of hosts.
func allows(hosts []string, name string) bool {
	if _, err := netip.ParseAddr(name); err == nil || name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	if isLabel(name) && slices.Contains(hosts, AnyLabel) {
		return true
	}
	return name != AnyLabel && slices.Contains(hosts, name)
}

// isLabel reports whether name is a name of one label.
func isLabel(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_')
	})
}

// hostname returns the name in a Host header in lower case, without port, brackets and a dot at the end.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}
