package bounced

import (
	"errors"
	"net/url"
	"strings"
	"testing"
)

func list(t *testing.T, text string) allowList {
	t.Helper()
	var l allowList
	if err := l.UnmarshalText([]byte(text)); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return l
}

const usual = "*,*.svc,*.svc.cluster.local,*.external.kind.org"

// TestAllow: the pattern that allows a URL, empty for none.
func TestAllow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ list, url, match string }{
		{usual, "http://bounced:9090", "*"},
		{usual, "http://BOUNCED", "*"},
		{usual, "http://bounced.", "*"},
		{usual, "http://under_score", "*"},
		{usual, "http://minimal.hopline.svc", "*.svc"},
		{usual, "http://minimal.hopline.svc.cluster.local:9090/x", "*.svc.cluster.local"},
		{usual, "http://minimal.external.kind.org:9090", "*.external.kind.org"},
		{usual, "http://external.kind.org", ""},
		{usual, "http://evilexternal.kind.org", ""},
		{usual, "http://minimal.external.kind.org.evil.example", ""},
		{usual, "http://example.com", ""},
		{usual, "http://svc", "*"},
		{usual, "http://bounced:8081", ""},
		{usual, "http://bounced:08081", ""},
		{usual, "http://bounced:000000008081", ""},
		{usual, "http://bounced:73617", ""}, // 8081 in 16 bits
		{usual, "http://bounced:0", ""},
		{usual, "http://bounced:09090", "*"},
		{usual, "http://localhost", ""},
		{usual, "http://LOCALHOST:80", ""},
		{usual, "http://x.localhost", ""},
		{usual, "http://127.0.0.1", ""},
		{usual, "http://10.0.0.1", ""},
		{usual, "http://[::1]", ""},
		{usual, "http://[::ffff:127.0.0.1]", ""},
		{usual, "http://[fe80::1%25eth0]", ""},
		{usual, "http://127.1", ""},
		{usual, "http://2130706433", ""},
		{usual, "http://0x7f000001", ""},
		{usual, "http://0177.0.0.1", ""},
		{usual, "http://1_0", ""},
		{usual, "http://99999999999999999999999", ""},
		{usual, "http://a..svc", ""},
		{usual, "http://%2e%2esvc", ""},
		{usual, "http://bücher.svc", ""},
		{usual, "http://.svc", ""},
		{"127.0.0.1", "http://127.0.0.1:1234", "127.0.0.1"},
		{"127.0.0.1", "http://127.0.0.1:8081", ""},
		{"127.0.0.1:8081", "http://127.0.0.1:8081", ""},
		{"127.0.0.1:1234", "http://127.0.0.1:1234", "127.0.0.1:1234"},
		{"127.0.0.1:1234", "http://127.0.0.1:1235", ""},
		{"host:80", "http://host", "host:80"},
		{"host:80", "http://host:0080", "host:80"},
		{"host:080", "http://host", "host:080"},
		{"localhost", "http://localhost:1", "localhost"},
		{"*.localhost", "http://x.localhost", ""},
		{"[::1]:1", "http://[::1]:1", "[::1]:1"},
		{"::1", "http://[::1]:1", "::1"},
		{"", "http://bounced", ""},
		{" a , *.b ", "http://x.B", "*.b"},
	} {
		u, err := url.Parse(c.url)
		if err != nil {
			continue // not a URL, and rejected before the list is checked
		}
		got, ok := list(t, c.list).match(u)
		if ok != (c.match != "") || ok && got.text != c.match {
			t.Errorf("%s with %s: %q, %v; wanted %q", c.url, c.list, got.text, ok, c.match)
		}
	}
}

// TestAllowLists: an invalid list is rejected at start, and a valid one is shown as it was given.
func TestAllowLists(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"http://x", "a b", "*.*", "a*", "x:0", "x:http", "x:99999", "-/", "*.127.1"} {
		var l allowList
		if err := l.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was accepted as %v", text, l)
		}
	}
	if got := list(t, " a:1 ,, *").String(); got != "a:1,*" {
		t.Errorf("%q", got)
	}
}

// TestGuard covers what an allowed name may resolve to.
func TestGuard(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		list, host, address string
		ok                  bool
	}{
		{usual, "bounced", "10.96.0.10:9090", true},
		{usual, "bounced", "172.18.0.2:80", true},
		{usual, "bounced", "192.168.1.1:80", true},
		{usual, "bounced", "240.240.0.5:80", true}, // Istio's, for a ServiceEntry without an address
		{usual, "bounced", "[fd00::1]:80", true},
		{usual, "bounced", "[2001:2::5]:80", true}, // Istio's
		{usual, "bounced", "93.184.216.34:80", true},
		{usual, "bounced", "[2606:2800:220:1:248:1893:25c8:1946]:80", true},
		{usual, "bounced", "[::ffff:10.96.0.10]:80", true},
		{usual, "bounced", "10.96.0.10:8081", false},
		{usual, "bounced", "127.0.0.1:80", false},
		{usual, "bounced", "127.9.9.9:80", false},
		{usual, "bounced", "[::1]:80", false},
		{usual, "bounced", "[::ffff:127.0.0.1]:80", false},
		{usual, "bounced", "0.0.0.0:80", false},
		{usual, "bounced", "[::]:80", false},
		{usual, "bounced", "169.254.169.254:80", false},
		{usual, "bounced", "[fe80::1]:80", false},
		{usual, "bounced", "[fd00:ec2::254]:80", false},
		{usual, "bounced", "100.100.100.200:80", false},
		{usual, "bounced", "224.0.0.1:80", false},
		{usual, "bounced", "[ff02::1]:80", false},
		{usual, "bounced", "255.255.255.255:80", false},
		{usual, "bounced", "[64:ff9b::7f00:1]:80", false},
		{usual, "bounced", "no address", false},
		{"127.0.0.1", "127.0.0.1", "127.0.0.1:80", true},
		{"127.0.0.1", "127.0.0.1", "127.0.0.1:8081", false},
		{"localhost", "localhost", "127.0.0.1:80", true},
		{"127.0.0.1,*", "bounced", "127.0.0.1:80", false}, // the list has the address, but not the name that resolves to it
	} {
		err := list(t, c.list).guard()(c.host, c.address)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, errAddress) {
			t.Errorf("%s at %s with %s: %v", c.host, c.address, c.list, err)
		}
		if err != nil && !strings.Contains(err.Error(), "BOUNCE_ALLOW") {
			t.Errorf("%v does not name BOUNCE_ALLOW", err)
		}
	}
}

// FuzzAllow looks for a URL that the usual list allows although its host is not a plain name.
func FuzzAllow(f *testing.F) {
	for _, seed := range []string{"http://bounced", "http://127.1", "http://a.svc:8081", "http://[::1]", "http://0x7f.svc"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := url.Parse(text)
		if err != nil {
			return
		}
		if _, ok := list(t, usual).match(u); !ok {
			return
		}
		host := strings.TrimSuffix(u.Hostname(), ".")
		if strings.TrimLeft(u.Port(), "0") == "8081" || !isName(host) || strings.EqualFold(host, "localhost") {
			t.Errorf("%q is allowed", text)
		}
	})
}
