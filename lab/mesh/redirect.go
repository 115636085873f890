package mesh

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
)

// newRedirect compiles a redirect for a listener on a port. secure reports whether the listener terminates TLS.
// (https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRedirect)
func newRedirect(r *networking.HTTPRedirect, match *pathMatch, port int, secure bool) (*RedirectTo, error) {
	out := &RedirectTo{Code: int(r.GetRedirectCode())}
	switch out.Code {
	case 0:
		out.Code = http.StatusMovedPermanently
	case 301, 302, 303, 307, 308:
	default:
		return nil, fmt.Errorf("redirect.redirectCode: %d is not supported by the lab: want 301, 302, 303, 307 or 308", out.Code)
	}
	scheme, authority := r.GetScheme(), r.GetAuthority()
	newPort := redirectPort(r, port, secure)
	path := redirectPath(r, match)
	out.Text = cmp.Or(scheme, "{scheme}") + "://" + cmp.Or(authority, "{host}") + newPort + redirectPathText(r, match)
	out.Location = func(req *Request) string {
		to, host := cmp.Or(scheme, requestScheme(req)), authority
		if host == "" {
			host = redirectHost(req, to, newPort)
		}
		return to + "://" + host + newPort + path(req.Path)
	}
	return out, nil
}

// redirectPort returns ":8080" if the new location names a port, and "" if that is the scheme's default port. The request's port is known
// when the table is compiled, because each listener has its own routes.
func redirectPort(r *networking.HTTPRedirect, port int, secure bool) string {
	var number int
	switch p := r.GetRedirectPort().(type) {
	case *networking.HTTPRedirect_Port:
		number = int(p.Port)
	case *networking.HTTPRedirect_DerivePort:
		if p.DerivePort == networking.HTTPRedirect_FROM_REQUEST_PORT {
			number = port
		}
	}
	scheme := r.GetScheme()
	if scheme == "" && secure {
		scheme = "https"
	} else if scheme == "" {
		scheme = "http"
	}
	if number == 0 || number == 80 && scheme == "http" || number == 443 && scheme == "https" {
		return ""
	}
	return fmt.Sprintf(":%d", number)
}

// redirectPath returns a function that computes the new path and query. It keeps the request's query unless the new path has one.
func redirectPath(r *networking.HTTPRedirect, match *pathMatch) func(string) string {
	switch uri := r.GetUri(); {
	case r.GetPrefixRewrite() != "":
		return prefixRewrite(match, r.GetPrefixRewrite())
	case uri == "":
		return func(p string) string { return p }
	case strings.Contains(uri, "?"):
		return func(string) string { return uri }
	default:
		return func(p string) string {
			if i := strings.IndexByte(p, '?'); i >= 0 {
				return uri + p[i:]
			}
			return uri
		}
	}
}

// redirectPathText describes the function of redirectPath.
func redirectPathText(r *networking.HTTPRedirect, match *pathMatch) string {
	if r.GetPrefixRewrite() != "" {
		return "{path, " + prefixText(match, r.GetPrefixRewrite()) + "}"
	}
	return cmp.Or(r.GetUri(), "{path}")
}

// redirectHost returns the request's authority. It drops the port if the location names another, or if it was the old scheme's default.
// (Envoy, source/common/http/utility.cc, processRequestHost)
func redirectHost(req *Request, scheme, newPort string) string {
	host := withoutPort(req.Authority)
	port := req.Authority[len(host):]
	if newPort != "" {
		return host
	}
	if was := requestScheme(req); was != scheme && (was == "https" && port == ":443" || was == "http" && port == ":80") {
		return host
	}
	return req.Authority
}

func requestScheme(req *Request) string { return cmp.Or(req.Scheme, "http") }
