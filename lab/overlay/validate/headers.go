package validate

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	"github.com/hopline/hopline/lab/istio"
	networking "istio.io/api/networking/v1alpha3"
)

// A rule's text in the head of a message must not end a line or change where the message ends. Istio's webhook accepts much of it, and
// Envoy refuses part of it when it receives the rule.

// The patterns for the name and the value of a header, from istio.io/istio/pkg/config/validation.
var (
	istioHeader    = regexp.MustCompile("^[!#$%&'*+\\-.^_`|~A-Za-z0-9]+$")
	istioHeaderVal = regexp.MustCompile("^[^\u0000-\u0008\u000A-\u001F\u007F]*$")
)

// framing lists the headers that determine where a message ends, or that concern one connection (RFC 9112, section 6, and RFC 9110, section
// 7.6.1).
var framing = map[string]bool{
	"connection": true, "content-length": true, "expect": true, "keep-alive": true, "proxy-connection": true, "te": true, "trailer": true,
	"transfer-encoding": true, "upgrade": true,
}

// authority matches a host, optionally with a port, in the characters that RFC 3986 allows; a per cent sign begins an escape.
var authority = regexp.MustCompile(`^[-a-zA-Z0-9._~!$&'()*+,;=%:\[\]]*$`)

// checkAuthority checks the text by which a rule replaces a request's authority; empty keeps it.
func checkAuthority(at Report, path, text string) {
	if !authority.MatchString(text) {
		at(path, "want a host, perhaps with a port, got %s", fieldpath.Quote(text))
	}
}

// WireText checks a path, or another text that the proxy writes into the head of a message.
func WireText(at Report, path, text string) {
	if strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		at(path, "control characters in %s", fieldpath.Quote(text))
	}
}

// cookiePath matches the path that a Set-Cookie line may hold (RFC 6265, section 4.1.1).
var cookiePath = regexp.MustCompile("^[ -:<-~]*$")

// checkHeaders checks the changes that a rule makes to headers.
func checkHeaders(at Report, path string, h *networking.Headers) {
	change := func(path string, values map[string]string, name func(string) string) {
		for _, k := range slices.Sorted(maps.Keys(values)) {
			if why := name(k); why != "" {
				at(fieldpath.Join(path, k), "%s", why)
			}
			if why := HeaderValue(values[k]); why != "" {
				at(fieldpath.Join(path, k), "%s", why)
			} else if istio.IsAuthority(k) {
				checkAuthority(at, fieldpath.Join(path, k), values[k])
			}
		}
	}
	change(path+".request.set", h.GetRequest().GetSet(), RequestHeader)
	change(path+".request.add", h.GetRequest().GetAdd(), RequestHeader)
	change(path+".response.set", h.GetResponse().GetSet(), WrittenHeader)
	change(path+".response.add", h.GetResponse().GetAdd(), WrittenHeader)
	for i, k := range h.GetRequest().GetRemove() {
		why := RemovedHeader(k)
		if strings.EqualFold(k, "content-length") {
			why = "the proxy frames messages itself: the lab does not let this header be removed from requests"
		}
		if why != "" {
			at(fmt.Sprintf("%s.request.remove[%d]", path, i), "%s", why)
		}
	}
	for i, k := range h.GetResponse().GetRemove() {
		if why := RemovedHeader(k); why != "" {
			at(fmt.Sprintf("%s.response.remove[%d]", path, i), "%s", why)
		}
	}
}

// RequestHeader returns the problem of the name of a header that is set on a request, or "". The authority is accepted.
func RequestHeader(name string) string {
	if istio.IsAuthority(name) {
		return ""
	}
	return WrittenHeader(name)
}

// WrittenHeader returns the problem of the name of a header that is set on a message, or "".
func WrittenHeader(name string) string {
	if framing[strings.ToLower(name)] {
		return "the proxy frames messages itself: the lab does not let this header be set"
	}
	return RemovedHeader(name)
}

// RemovedHeader returns the problem of the name of a header that is set on a response or removed, or "".
func RemovedHeader(name string) string {
	switch {
	case name == "":
		return "a header without a name"
	case istio.IsPseudo(name):
		return "Istio does not let this header be changed"
	case !istioHeader.MatchString(name):
		return "want the name of a header, got " + fieldpath.Quote(name)
	}
	return ""
}

// matchedHeader returns the problem of the name of a header that a rule matches, or "".
func matchedHeader(name string) string {
	switch name {
	case "":
		return "a header without a name"
	case ":method", ":scheme", ":authority", ":path", ":status":
		return ""
	}
	if strings.HasPrefix(name, "@request.auth.claims") {
		return "claims of tokens are not supported by the lab"
	}
	if !istioHeader.MatchString(name) {
		return "want the name of a header, got " + fieldpath.Quote(name)
	}
	return ""
}

// HeaderValue returns the problem of the value of a header, or "". In it %NAME% is a variable of Envoy, %% a per cent sign.
func HeaderValue(value string) string {
	if !istioHeaderVal.MatchString(value) {
		return "control characters in " + fieldpath.Quote(value)
	}
	if !balanced(value) {
		return "a single % in " + fieldpath.Quote(value) + "; write %% for a per cent sign"
	}
	return ""
}

// balanced reports whether every %NAME% or %NAME(arguments)% in a header's value is closed. It is the automaton of Envoy's header parser,
// with only the states that validation needs.
func balanced(value string) bool {
	const (
		text = iota
		name
		array     // after (: [ or an argument
		element   // in an array, before a "
		argument  // until ) or "
		delimiter // after an element: , or ]
		closing   // after ]: )
		end       // after ): %
	)
	state := text
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case state == text && c == '%':
			if i+1 == len(value) {
				return false
			}
			if value[i+1] == '%' {
				i++
			} else {
				state = name
			}
		case state == text:
		case state == name && c == '%':
			state = text
		case state == name && c == '(':
			state = array
		case state == name:
		case state == argument && c == '\\':
			if i+1 == len(value) {
				return false
			}
			i++
		case state == argument && c == ')':
			state = end
		case state == argument && c == '"':
			state = delimiter
		case state == argument || c == ' ':
		case state == array && c == '[':
			state = element
		case state == array:
			state = argument
		case state == element && c == '"':
			state = argument
		case state == delimiter && c == ',':
			state = element
		case state == delimiter && c == ']':
			state = closing
		case state == closing && c == ')':
			state = end
		case state == end && c == '%':
			state = text
		default:
			return false
		}
	}
	return state == text
}
