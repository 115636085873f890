package overlay

import (
	"regexp"
	"strings"
)

// A rule's text in the head of a message must not end a line or change where the message ends. Istio's webhook accepts much of it, and
// Envoy refuses part of it when it receives the rule.

// framing lists the headers that determine where a message ends, or that concern one connection (RFC 9112, section 6, and RFC 9110, section
// 7.6.1).
var framing = map[string]bool{
	"connection": true, "content-length": true, "expect": true, "keep-alive": true, "proxy-connection": true, "te": true, "trailer": true,
	"transfer-encoding": true, "upgrade": true,
}

// authority matches a host, optionally with a port, in the characters that RFC 3986 allows; a per cent sign begins an escape.
var authority = regexp.MustCompile(`^[-a-zA-Z0-9._~!$&'()*+,;=%:\[\]]*$`)

// checkAuthority checks the text by which a rule replaces a request's authority; empty keeps it.
func checkAuthority(at problems, path, text string) {
	if !authority.MatchString(text) {
		at.add(path, "want a host, perhaps with a port, got %s", quote(text))
	}
}

// checkWireText checks a path, or another text that the proxy writes into the head of a message.
func checkWireText(at problems, path, text string) {
	if strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		at.add(path, "control characters in %s", quote(text))
	}
}

// cookiePath matches the path that a Set-Cookie line may hold (RFC 6265, section 4.1.1).
var cookiePath = regexp.MustCompile("^[ -:<-~]*$")
