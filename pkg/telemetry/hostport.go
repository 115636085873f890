package telemetry

import (
	"net"
	"strconv"
	"strings"
)

// SplitHostPort splits "host", "host:port" or "[v6]:port". A port that is missing or no number is -1, and what is no address at all gives
// an empty host, as in otelhttp.
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
