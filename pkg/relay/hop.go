package relay

import (
	"encoding/json"
	"time"

	"github.com/hopline/hopline/pkg/telemetry"
)

// Hop is one service's part of the way to the time, as told by GET /hops.
type Hop struct {
	Service    string  `json:"service"`
	Version    string  `json:"version"`
	Host       string  `json:"host"`
	Upstream   string  `json:"upstream"`
	DurationMS float64 `json:"duration_ms"`
	Code       int     `json:"code"` // the upstream's status, 0 when it gave none
}

// Hops is the JSON answer of GET /hops, the outermost hop first.
type Hops struct {
	TraceID string          `json:"trace_id"`
	Hops    []Hop           `json:"hops"`
	Time    json.RawMessage `json:"time,omitempty"`  // the time source's own JSON
	Error   string          `json:"error,omitempty"` // what the last hop's upstream answered instead
}

// Millis is a duration as hop lines write it: 12 from 10 ms on, 8.3 below it, 0.006 below 0.01.
func Millis(d time.Duration) string { return "" }

// Line is the hop line of a call: took (12 ms) front-amber --getRespondFrom--> http://middle/hops
func Line(id telemetry.Identity, took time.Duration, url string) string { return "" }
