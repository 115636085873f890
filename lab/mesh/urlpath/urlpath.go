// Package urlpath changes the path of a request as Envoy does under Istio's configuration, before any rule sees it.
package urlpath

import (
	"strconv"
	"strings"
)

// Normalize returns a path as Istio's proxies see and forward it by their default normalization, BASE. It turns backslashes into
// slashes, resolves dot segments, unescapes letters, digits and "-._~", and escapes a few characters that are not valid in a URL. It does
// not merge slashes or change the query. ok is false for what Envoy rejects with 400: a path that does not begin with a slash, an invalid
// escape, an escaped zero, a non-ASCII character (in the query too), and a fragment.
// (https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#MeshConfig-ProxyPathNormalization-NormalizationType)
func Normalize(pathAndQuery string) (normal string, ok bool) {
	if !strings.HasPrefix(pathAndQuery, "/") || strings.Contains(pathAndQuery, "#") || !ValidTarget(pathAndQuery) {
		return pathAndQuery, false
	}
	path, query := pathAndQuery, ""
	if i := strings.IndexByte(pathAndQuery, '?'); i >= 0 {
		path, query = pathAndQuery[:i], pathAndQuery[i:]
	}
	if isNormal(path) {
		return pathAndQuery, true
	}
	plain, ok := unescape(path)
	if !ok {
		return pathAndQuery, false
	}
	return resolveDots(plain) + query, true
}

// ValidTarget reports whether a path and query have only characters that are valid in a request line: visible ASCII. Envoy rejects others
// with 400 before it looks at the path.
func ValidTarget(pathAndQuery string) bool {
	for i := range len(pathAndQuery) {
		if isForbidden(pathAndQuery[i]) {
			return false
		}
	}
	return true
}

// isNormal reports whether normalization leaves a path as it is.
func isNormal(path string) bool {
	for i := range len(path) {
		switch c := path[i]; {
		case c == '%' || c == '\\' || mustEscape(c), c == '.' && path[i-1] == '/':
			return false
		}
	}
	return true
}

// mustEscape reports whether a character must be escaped.
func mustEscape(c byte) bool {
	switch c {
	case '"', '<', '>', '^', '`', '{', '|', '}':
		return true
	}
	return isForbidden(c)
}

func isForbidden(c byte) bool { return c <= ' ' || c >= 0x7f }

// unescape undoes unnecessary escapes, adds necessary ones, and turns backslashes into slashes.
func unescape(path string) (string, bool) {
	const hex = "0123456789ABCDEF"
	out := make([]byte, 0, len(path)+8)
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case c == '\\':
			out = append(out, '/')
		case mustEscape(c):
			out = append(out, '%', hex[c>>4], hex[c&15])
		case c != '%':
			out = append(out, c)
		default:
			v, err := strconv.ParseUint(path[i+1:min(i+3, len(path))], 16, 8)
			if err != nil || i+2 >= len(path) || v == 0 {
				return "", false
			}
			if isUnreserved(byte(v)) {
				out = append(out, byte(v))
			} else {
				out = append(out, path[i:i+3]...)
			}
			i += 2
		}
	}
	return string(out), true
}

func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// resolveDots removes the segments "." and "..". It removes ".." together with the segment before it, if there is one.
func resolveDots(path string) string {
	out := make([]byte, 0, len(path))
	for i := 0; i < len(path); i++ {
		out = append(out, path[i])
		if path[i] != '/' {
			continue
		}
		segment, _, more := strings.Cut(path[i+1:], "/")
		switch segment {
		case ".":
		case "..":
			out = out[:strings.LastIndexByte(string(out[:max(len(out)-1, 0)]), '/')+1]
			if len(out) == 0 {
				out = append(out, '/')
			}
		default:
			continue
		}
		i += len(segment)
		if more { // the slash after the segment has no part of its own
			out = out[:len(out)-1]
		}
	}
	return string(out)
}
