package proxy

import (
	"net/http"
	"strings"
)

// failure is the reason why a try has no response.
type failure uint8

const (
	none failure = iota
	overflow
	connectFailed
	connectTimeout
	terminated    // the upstream closed the connection before a response
	garbage       // the response is not valid HTTP
	perTryTimeout // the try took too long
	routeTimeout  // the request took too long
	noHealthy     // no endpoint
	clientGone    // the caller has left; no response is read
	malformed     // the request's body does not match its framing
	stalled       // the request's body has stopped arriving
)

// failures states how each failure looks to the caller (Envoy's texts), to access logs (its response flags) and to outlier detection.
var failures = [...]struct {
	status int
	reason string // of "upstream connect error …": the reset reason
	text   string // the whole text where it differs
	flags  flags
	health int  // the status that outlier detection counts; 0: none
	local  bool // whether it originated locally, as splitExternalLocalOriginErrors means it
}{
	overflow:       {http.StatusServiceUnavailable, "overflow", "", flagOverflow, 0, false},
	connectFailed:  {http.StatusServiceUnavailable, "remote connection failure", "", flagConnectFailure, 503, true},
	connectTimeout: {http.StatusServiceUnavailable, "connection timeout", "", flagConnectFailure, 503, true},
	terminated:     {http.StatusServiceUnavailable, "connection termination", "", flagTermination, 503, true},
	garbage:        {http.StatusBadGateway, "protocol error", "", flagProtocol, 503, true},
	perTryTimeout:  {http.StatusGatewayTimeout, "", "upstream request timeout", flagTimeout, 504, true},
	routeTimeout:   {http.StatusGatewayTimeout, "", "upstream request timeout", flagTimeout, 504, true},
	noHealthy:      {http.StatusServiceUnavailable, "", "no healthy upstream", flagNoHealthy, 0, false},
	clientGone:     {0, "", "", flagClientGone, 0, false},
	malformed:      {http.StatusBadRequest, "", "Bad Request", flagDownstream, 0, false},
	stalled:        {http.StatusRequestTimeout, "", "stream timeout", flagStreamIdle, 0, false},
}

// text returns the response's body.
func (f failure) text(retried bool) string {
	if t := failures[f].text; t != "" {
		return t
	}
	latest := ""
	if retried {
		latest = "retried and the latest "
	}
	return "upstream connect error or disconnect/reset before headers. " + latest + "reset reason: " + failures[f].reason
}

// flags are Envoy's response flags: the reason for a response.
type flags uint16

const (
	flagNoHealthy flags = 1 << iota
	flagConnectFailure
	flagTermination
	flagOverflow
	flagNoRoute
	flagClientGone
	flagTimeout
	flagRetryLimit
	flagDelay
	flagFault
	flagProtocol
	flagNoCluster
	flagDownstream
	flagStreamIdle
)

var flagNames = [...]string{"UH", "UF", "UC", "UO", "NR", "DC", "UT", "URX", "DI", "FI", "UPE", "NC", "DPE", "SI"}

// String joins the flags with commas; "-" if there are none.
func (f flags) String() string {
	if f == 0 {
		return "-"
	}
	var names []string
	for i, n := range flagNames {
		if f&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return strings.Join(names, ",")
}
