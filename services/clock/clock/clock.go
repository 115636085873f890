package clock

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/hopline/hopline/pkg/answer"
	"github.com/hopline/hopline/pkg/header"
	"github.com/hopline/hopline/pkg/relay"
	"github.com/hopline/hopline/pkg/telemetry"
)

// clock returns the time of the process.
type clock struct {
	identity telemetry.Identity
	now      func() time.Time
}

// newClock returns a clock that reads now.
func newClock(identity telemetry.Identity, now func() time.Time) *clock {
	return &clock{identity: identity, now: now}
}

// reading is the JSON of /time. Service and version in it show a hop that a clock of the suite sent it.
type reading struct {
	Service    string  `json:"service"`
	Version    string  `json:"version"`
	Host       string  `json:"host"`
	Datetime   string  `json:"datetime"`    // RFC 3339 in UTC, to the second
	Unixtime   int64   `json:"unixtime"`    // seconds since 1970
	DurationMS float64 `json:"duration_ms"` // the duration of reading the clock
}

// read reads the clock and returns how long that took.
func (c *clock) read() (reading, time.Duration) {
	began := time.Now()
	now := c.now().UTC()
	r := reading{
		Service: c.identity.Service, Version: c.identity.Version, Host: c.identity.Host,
		Datetime: now.Format(time.RFC3339), Unixtime: now.Unix(),
	}
	took := max(time.Since(began), time.Microsecond) // hop lines have no finer unit
	r.DurationMS = relay.MillisNumber(took)
	return r, took
}

// line returns the last of the hop lines.
func (c *clock) line(r reading, took time.Duration) string {
	return fmt.Sprintf("took (%s ms) %s at %s", relay.Millis(took), c.identity.Name(), r.Datetime)
}

// time handles GET /time.
func (c *clock) time(w http.ResponseWriter, r *http.Request) {
	now, took := c.read()
	if wantsJSON(r) {
		answer.JSON(w, http.StatusOK, now)
		return
	}
	answer.Text(w, http.StatusOK, c.line(now, took))
}

// hops handles GET /hops: the clock calls nothing, so its own line is the last and only one.
func (c *clock) hops(w http.ResponseWriter, r *http.Request) {
	now, took := c.read()
	if !wantsJSON(r) {
		answer.Text(w, http.StatusOK, c.line(now, took))
		return
	}
	raw, err := json.Marshal(now)
	if err != nil { // strings and numbers: no zone or clock makes this fail
		panic(err)
	}
	answer.JSON(w, http.StatusOK, relay.Hops{
		TraceID: w.Header().Get(header.B3TraceID),
		Hops:    []relay.Hop{{Service: now.Service, Version: now.Version, Host: now.Host, DurationMS: now.DurationMS, Code: http.StatusOK}},
		Time:    raw,
	})
}

func wantsJSON(r *http.Request) bool { return answer.Prefers(r, answer.JSONType, answer.TextType) }
