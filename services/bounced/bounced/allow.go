package bounced

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"code.dny.dev/ssrf"
)

// allowList is the list of hosts that /bounce may call. It keeps others from using the service to reach what only this process can reach.
// The list decides by name, and the address that a name resolves to is checked once more before the connection.
type allowList struct{ patterns []pattern }

// pattern is one entry: "*" for any name without a dot, "*.name" for any subdomain of name, or an exact name or address; each with a port
// or for any port.
type pattern struct {
	text string // as given; the upstream's name in metrics
	host string // in lower case
	port uint16 // 0 for any
}

// adminPort is never called: it is the services' own admin port.
const adminPort = 8081

// UnmarshalText parses a comma-separated list. Its error names the expected value.
func (l *allowList) UnmarshalText(text []byte) error {
	l.patterns = nil
	for item := range strings.SplitSeq(string(text), ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		p, ok := parsePattern(item)
		if !ok {
			return errors.New("a list such as *,*.svc,host,host:port,10.0.0.1")
		}
		l.patterns = append(l.patterns, p)
	}
	return nil
}

// String returns the list as it was given.
func (l allowList) String() string {
	texts := make([]string, len(l.patterns))
	for i, p := range l.patterns {
		texts[i] = p.text
	}
	return strings.Join(texts, ",")
}

func parsePattern(text string) (pattern, bool) {
	p := pattern{text: text, host: strings.ToLower(text)}
	if host, port, err := net.SplitHostPort(p.host); err == nil {
		n, ok := parsePort(port)
		if !ok {
			return p, false
		}
		p.host, p.port = host, n
	}
	p.host = strings.Trim(p.host, "[]")
	if _, err := netip.ParseAddr(p.host); err == nil {
		return p, true
	}
	name := strings.TrimPrefix(p.host, "*.")
	return p, p.host == "*" || isName(name)
}

// parsePort parses a port number. It ignores leading zeros, as the dialer does.
func parsePort(text string) (uint16, bool) {
	n, err := strconv.ParseUint(text, 10, 16)
	return uint16(n), err == nil && n > 0
}

// match returns the pattern that allows a URL.
func (l allowList) match(u *url.URL) (pattern, bool) {
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	port, ok := parsePort(cmp.Or(u.Port(), "80"))
	if !ok || port == adminPort {
		return pattern{}, false
	}
	for _, p := range l.patterns {
		if (p.port == 0 || p.port == port) && p.covers(host) {
			return p, true
		}
	}
	return pattern{}, false
}

// covers reports whether the pattern matches a host. A wildcard matches only names: addresses in any spelling and localhost must be listed
// literally.
func (p pattern) covers(host string) bool {
	if p.host == host {
		return !strings.HasPrefix(host, "*") // a host with a wildcard is not a name
	}
	if !isName(host) || host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return false
	}
	if p.host == "*" {
		return !strings.Contains(host, ".")
	}
	suffix, wild := strings.CutPrefix(p.host, "*")
	return wild && strings.HasSuffix(host, suffix) && len(host) > len(suffix)
}

// isName distinguishes a DNS name from an address. Some resolvers treat a name whose last label is a number, such as 127.1 or 0x7f000001,
// as an address.
func isName(host string) bool {
	if len(host) == 0 || len(host) > 253 {
		return false
	}
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if !isLabel(label) {
			return false
		}
	}
	_, err := strconv.ParseUint(labels[len(labels)-1], 0, 64)
	return errors.Is(err, strconv.ErrSyntax)
}

func isLabel(label string) bool {
	return label != "" && len(label) <= 63 && strings.IndexFunc(label, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_')
	}) < 0
}

// errAddress is wrapped by the guard's errors.
var errAddress = errors.New("the address is not allowed by BOUNCE_ALLOW")

// guard rejects addresses that no allowed name should resolve to: loopback, link-local including the metadata services, multicast, and
// reserved ranges. It allows private ranges, where Services live, and an address or localhost that the list itself names.
func (l allowList) guard() func(host, address string) error {
	cluster, metadata := cluster(), metadata()
	return func(host, address string) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %s", errAddress, address)
		}
		if to.Port() == adminPort {
			return fmt.Errorf("%w: port %d", errAddress, adminPort)
		}
		if l.lists(host) {
			return nil
		}
		ip := to.Addr().Unmap()
		if slices.Contains(metadata, ip) {
			return fmt.Errorf("%w: %s is a metadata service", errAddress, ip)
		}
		if err := cluster.SafeAddr(ip); err != nil {
			return fmt.Errorf("%w: %w", errAddress, err)
		}
		return nil
	}
}

// lists reports whether host, an address or localhost, is an entry of the list.
func (l allowList) lists(host string) bool {
	if _, err := netip.ParseAddr(host); err != nil && host != "localhost" {
		return false
	}
	return slices.ContainsFunc(l.patterns, func(p pattern) bool { return p.host == strings.ToLower(host) })
}

// cluster allows the ranges of ClusterIPs, pods and Istio's DNS capture, besides the public addresses that ssrf allows by default.
func cluster() *ssrf.Guardian {
	return ssrf.New(ssrf.WithAnyPort(), ssrf.WithAnyNetwork(),
		ssrf.WithAllowedV4Prefixes(
			netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
			netip.MustParsePrefix("100.64.0.0/10"),  // pods on some clouds
			netip.MustParsePrefix("240.240.0.0/16"), // Istio's addresses for ServiceEntries without one
		),
		ssrf.WithAllowedV6Prefixes(
			netip.MustParsePrefix("fc00::/7"),
			netip.MustParsePrefix("2001:2::/48"), // Istio's, as above
		),
	)
}

// metadata returns the clouds' metadata services outside of the link-local range.
func metadata() []netip.Addr {
	return []netip.Addr{
		netip.MustParseAddr("fd00:ec2::254"),   // AWS
		netip.MustParseAddr("100.100.100.200"), // Alibaba
		netip.MustParseAddr("168.63.129.16"),   // Azure
		netip.MustParseAddr("192.0.0.192"),     // Oracle
		netip.MustParseAddr("fd20:ce::254"),    // Google
	}
}

// maxRedirects is net/http's own bound.
const maxRedirects = 10

// redirect follows a redirect only to a URL that the list allows; otherwise the redirect itself is the response.
func (l allowList) redirect(next *http.Request, via []*http.Request) error {
	if _, ok := l.match(next.URL); !ok || next.URL.Scheme != "http" || len(via) >= maxRedirects {
		return http.ErrUseLastResponse
	}
	return nil
}
