package server

import (
	"strconv"
	"strings"
	"time"

	"github.com/hopline/hopline/pkg/header"
	"github.com/hopline/hopline/pkg/telemetry"
)

// timingName is this hop's part of server-timing (https://www.w3.org/TR/server-timing/) up to the duration.
func timingName(id telemetry.Identity) string {
	return token(id.Service) + `;desc="` + id.Version + `";dur=`
}

// token replaces what a header's token must not hold; names are checked at start, so this is a second fence.
func token(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(` ()<>@,;:\"/[]?={}`, r) || r < ' ' || r > '~' {
			return '_'
		}
		return r
	}, s)
}

// addTiming puts this hop before what its upstream said, so that the header tells all hops of the way, outermost first.
func (x *record) addTiming() {
	h := x.ResponseWriter.Header()
	own := x.service.timingName + strconv.FormatFloat(float64(time.Since(x.began).Microseconds())/1000, 'f', -1, 64)
	h.Set(header.Timing, strings.Join(append([]string{own}, h[header.Timing]...), ", "))
}
