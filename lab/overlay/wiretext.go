package overlay

import (
	"regexp"
	"strings"
)

// Text of a rule that goes into the head of a message must not be able to end a line or to change where a message ends. Istio's webhook
// lets much of it pass, and Envoy refuses a part of it when it gets the rule.

// framing are the headers that say where a message ends, or that concern one connection (RFC 9112, section 6, and RFC 9110, section 7.6.1).
var framing = map[string]bool{
	"connection": true, "content-length": true, "expect": true, "keep-alive": true, "proxy-connection": true, "te": true, "trailer": true,
	"transfer-encoding": true, "upgrade": true,
}

// authority is a host, perhaps with a port, of the characters that RFC 3986 has for them; a per cent sign begins an escape.
var authority = regexp.MustCompile("^[-a-zA-Z0-9._~!$&'()*+,;=%:\\[\\]]*$")

// checkAuthority checks what a rule puts in the place of a request's authority; empty keeps it.
func checkAuthority(at problems, path, text string) {
	if !authority.MatchString(text) {
		at.add(path, "want a host, perhaps with a port, got %s", quote(text))
	}
}

// checkWireText checks a path, or another text that the proxy writes into a message's head.
func checkWireText(at problems, path, text string) {
	if strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		at.add(path, "control characters in %s", quote(text))
	}
}

// cookiePath is what a Set-Cookie line may hold as a path (RFC 6265, section 4.1.1).
var cookiePath = regexp.MustCompile("^[ -:<-~]*$")
