package istio

import "strings"

// IsAuthority reports whether the name of a header in a rule means the request's authority.
func IsAuthority(name string) bool {
	return strings.EqualFold(name, ":authority") || strings.EqualFold(name, "host")
}

// IsPseudo reports whether the name of a header in a rule means a part of the request line or of the status line, or the authority.
func IsPseudo(name string) bool {
	return strings.HasPrefix(name, ":") || strings.EqualFold(name, "host")
}
