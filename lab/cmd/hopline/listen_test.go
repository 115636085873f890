package main

import (
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/internal/current"
)

// ownAddress returns an IPv4 address of this machine that is not one of loopback, or "".
func ownAddress() string {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return ""
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() {
			return n.IP.String()
		}
	}
	return ""
}

// TestListenForOthers runs labs whose ports others reach: one cannot be driven from anywhere, and the other, with --allow-driving, can be
// from another address too, with the token of its page.
func TestListenForOthers(t *testing.T) {
	t.Parallel()
	const scale = `{"kind":"scale","workload":"middle-prod","value":1}`
	for name, c := range map[string]struct {
		flags   []string
		allowed bool
	}{
		"without --allow-driving": {[]string{"--listen=0.0.0.0"}, false},
		"with --allow-driving":    {[]string{"--listen=0.0.0.0", "--allow-driving"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, "prod", nil, c.flags...)
			code, out := s.tryDrive("scale", "middle-prod", "1")
			if allowed := code == 0; allowed != c.allowed || !c.allowed && !strings.Contains(out, "only with --allow-driving") {
				t.Errorf("hopline drive: exit code %d, %s", code, out)
			}
			state := s.get("Console", "/api/state").body
			if says := strings.Contains(state, `"driving":{"allowed":true`); says != c.allowed {
				t.Errorf("the state says that driving is allowed: %t, want %t", says, c.allowed)
			}
			token := regexp.MustCompile(`name="hopline-token" content="([^"]*)"`).FindStringSubmatch(s.get("Console", "/").body)
			if len(token) != 2 || (token[1] != "") != c.allowed {
				t.Fatalf("the page's token is %q, want one exactly with --allow-driving", token)
			}
			address := ownAddress()
			if address == "" {
				t.Skip("this machine has only loopback addresses")
			}
			for given, want := range map[string]bool{token[1]: c.allowed, "another": false} {
				r, err := http.NewRequest(http.MethodPost, "http://"+net.JoinHostPort(address, s.consolePort())+"/api/changes", strings.NewReader(scale))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set(current.TokenHeader, given)
				response, err := s.client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				response.Body.Close()
				if done := response.StatusCode == http.StatusOK; done != want || !want && response.StatusCode != http.StatusForbidden {
					t.Errorf("from %s with token %q: %s, want it allowed: %t", address, given, response.Status, want)
				}
			}
		})
	}
}
