package relay

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/hopline/hopline/pkg/telemetry"
)

// Hop is one service's part of the way to the time, as GET /hops reports it.
type Hop struct {
	Service    string  `json:"service"`
	Version    string  `json:"version"`
	Host       string  `json:"host"`
	Upstream   string  `json:"upstream"` // the URL that was called
	DurationMS float64 `json:"duration_ms"`
	Code       int     `json:"code"` // the upstream's status, or this hop's own 502 or 504 if there was no response
}

// NewHop returns the hop of a call from id to url.
func NewHop(id telemetry.Identity, url string, took time.Duration, code int) Hop {
	return Hop{id.Service, id.Version, id.Host, url, MillisNumber(took), code}
}

// Line returns the hop as text: took (12 ms) front-amber --getRespondFrom--> http://middle/hops
func (h Hop) Line() string {
	return "took (" + formatMillis(h.DurationMS) + " ms) " + h.Service + "-" + h.Version + " --getRespondFrom--> " + h.Upstream
}

// Hops is the JSON response of GET /hops, the outermost hop first.
type Hops struct {
	TraceID string          `json:"trace_id"`
	Hops    []Hop           `json:"hops"`
	Time    json.RawMessage `json:"time,omitempty"`  // the time source's own JSON
	Error   string          `json:"error,omitempty"` // what the upstream sent in place of the time
}

// MillisNumber returns a duration in milliseconds with three decimals, for JSON.
func MillisNumber(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond).Microseconds()) / 1000
}

// Millis returns a duration in milliseconds as hop lines write it: a whole number from 10 ms on, up to three decimals below, such as 12,
// 8.3 or 0.006.
func Millis(d time.Duration) string { return formatMillis(MillisNumber(d)) }

func formatMillis(ms float64) string {
	if ms >= 10 {
		ms = math.Round(ms)
	}
	return strconv.FormatFloat(ms, 'f', -1, 64)
}
