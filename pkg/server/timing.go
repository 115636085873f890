package server

import (
	"strconv"
	"strings"
	"time"

	"github.com/hopline/hopline/pkg/header"
	"github.com/hopline/hopline/pkg/telemetry"
)

// timingName returns this hop's part of server-timing (https://www.w3.org/TR/server-timing/) up to the duration.
func timingName(id telemetry.Identity) string {
	return token(id.Service) + `;desc="` + id.Version + `";dur=`
}

// token replaces the characters that a header's token must not hold; names are also checked at start.
func token(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(` ()<>@,;:\"/[]?={}`, r) || r < ' ' || r > '~' {
			return '_'
		}
		return r
	}, s)
}

// addTiming puts this hop before its upstream's value, so that the header lists all hops, outermost first.
func (x *record) addTiming() {
	h := x.ResponseWriter.Header()
	own := x.service.timingName + strconv.FormatFloat(float64(time.Since(x.began).Microseconds())/1000, 'f', -1, 64)
	h.Set(header.Timing, strings.Join(append([]string{own}, h[header.Timing]...), ", "))
}
