package config

import (
	"fmt"
	"net/url"
)

// URL is the address of an upstream: plain HTTP with a host, and path and query as given. TLS between services is the mesh's task, so an
// https address is rejected: a call to it would bypass the mesh.
type URL struct{ url.URL }

// ParseURL parses text with the same checks as the configuration.
func ParseURL(text string) (URL, error) {
	var u URL
	err := u.UnmarshalText([]byte(text))
	return u, err
}

// UnmarshalText implements encoding.TextUnmarshaler. Its error names the expected value.
func (u *URL) UnmarshalText(text []byte) error {
	parsed, err := url.Parse(string(text))
	switch {
	case err != nil || parsed.Host == "" || parsed.Hostname() == "" || parsed.Opaque != "":
		return fmt.Errorf("a URL such as http://host or http://host:port/path")
	case parsed.Scheme == "https":
		return fmt.Errorf("an http:// URL, as upstreams are plain HTTP and encryption is the mesh's task")
	case parsed.Scheme != "http":
		return fmt.Errorf("an http:// URL")
	case parsed.User != nil || parsed.Fragment != "":
		return fmt.Errorf("an http:// URL without credentials and fragment")
	}
	u.URL = *parsed
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// String returns the URL as it was given.
func (u URL) String() string { return u.URL.String() }
