package telemetry

import (
	"net"
	"strconv"
	"strings"
)

// Method returns an HTTP method as a label or attribute: the methods of RFC 9110 and 5789, in upper case as in otelhttp, and _OTHER for all
// others.
func Method(method string) string {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE":
		return method
	}
	if upper := strings.ToUpper(method); upper != method {
		return Method(upper)
	}
	return "_OTHER"
}

// SplitHostPort splits "host", "host:port" or "[v6]:port". A missing or invalid port is -1, and an invalid address gives an empty host, as
// in otelhttp.
func SplitHostPort(address string) (host string, port int) {
	if !strings.Contains(address, ":") {
		return address, -1
	}
	if strings.HasPrefix(address, "[") && strings.HasSuffix(address, "]") {
		return address[1 : len(address)-1], -1
	}
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", -1
	}
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return host, -1
	}
	return host, int(number)
}
