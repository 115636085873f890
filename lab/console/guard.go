package console

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Guard lets in who asks for this machine by an address, by localhost, or by one of hosts. A page elsewhere that has its own name led to
// loopback (DNS rebinding) comes with that name, and is refused.
func Guard(next http.Handler, hosts ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := hostname(r.Host)
		_, err := netip.ParseAddr(name)
		if err != nil && name != "localhost" && !strings.HasSuffix(name, ".localhost") && !slices.Contains(hosts, name) {
			http.Error(w, "hopline: this address is not known by the name you asked for; use localhost", http.StatusMisdirectedRequest)
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// hostname is the name in a Host header, in lower case, without port, brackets and a dot at the end.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}
