package zone

import (
	"fmt"
	"strings"
	"time"
)

// Reading is a time in a zone with the fifteen keys of worldtimeapi.org (https://worldtimeapi.org/pages/schema and
// https://worldtimeapi.org/api, its OpenAPI description), in their alphabetical order. Its responses define what its pages leave open:
//
//   - outside of daylight saving, dst_from and dst_until are null and dst_offset is 0;
//   - during daylight saving they are its beginning and end in UTC, dst_offset is its difference from standard time, and raw_offset
//     is standard time's offset, so that raw_offset + dst_offset is always utc_offset.
//
// The tz database decides whether a time is daylight saving. In Europe/Dublin, standard time is the summer's and winter saves minus one
// hour, so there dst is true and dst_offset -3600 in winter.
type Reading struct {
	Abbreviation string  `json:"abbreviation"` // as in the tz database: CET, or +07 where people use no letters
	ClientIP     string  `json:"client_ip"`    // set by the caller of At
	Datetime     string  `json:"datetime"`     // local, RFC 3339 with microseconds
	DayOfWeek    int     `json:"day_of_week"`  // 0 is Sunday
	DayOfYear    int     `json:"day_of_year"`  // 1 is 1 January
	DST          bool    `json:"dst"`
	DSTFrom      *string `json:"dst_from"`     // RFC 3339, UTC
	DSTOffset    int     `json:"dst_offset"`   // seconds
	DSTUntil     *string `json:"dst_until"`    // RFC 3339, UTC
	RawOffset    int     `json:"raw_offset"`   // seconds
	Timezone     string  `json:"timezone"`     // the requested name
	Unixtime     int64   `json:"unixtime"`     // seconds since 1970
	UTCDatetime  string  `json:"utc_datetime"` // RFC 3339 with microseconds
	UTCOffset    string  `json:"utc_offset"`   // +01:00
	WeekNumber   int     `json:"week_number"`  // ISO 8601
}

// The API writes +00:00 where RFC 3339 also allows Z.
const (
	micros  = "2006-01-02T15:04:05.000000-07:00"
	seconds = "2006-01-02T15:04:05-07:00"
)

// At returns the time t in the zone.
func (z *Zone) At(t time.Time) Reading {
	t = t.In(z.location)
	abbreviation, offset := t.Zone()
	_, week := t.ISOWeek()
	r := Reading{
		Abbreviation: abbreviation,
		Datetime:     t.Format(micros),
		DayOfWeek:    int(t.Weekday()),
		DayOfYear:    t.YearDay(),
		DST:          t.IsDST(),
		RawOffset:    offset,
		Timezone:     z.name,
		Unixtime:     t.Unix(),
		UTCDatetime:  t.UTC().Format(micros),
		UTCOffset:    t.Format("-07:00"),
		WeekNumber:   week,
	}
	if r.DST {
		d := daylightAt(t)
		r.RawOffset, r.DSTOffset = d.standard, offset-d.standard
		r.DSTFrom, r.DSTUntil = utc(d.from), utc(d.until)
	}
	return r
}

// utc formats a time, or returns null for an unknown one.
func utc(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format(seconds)
	return &s
}

// Text returns the reading as lines of "key: value", in the order of the JSON, with nothing after the colon for null.
func (r Reading) Text() string {
	var b strings.Builder
	line := func(key string, value any) { fmt.Fprintf(&b, "%s: %v\n", key, value) }
	line("abbreviation", r.Abbreviation)
	line("client_ip", r.ClientIP)
	line("datetime", r.Datetime)
	line("day_of_week", r.DayOfWeek)
	line("day_of_year", r.DayOfYear)
	line("dst", r.DST)
	line("dst_from", orEmpty(r.DSTFrom))
	line("dst_offset", r.DSTOffset)
	line("dst_until", orEmpty(r.DSTUntil))
	line("raw_offset", r.RawOffset)
	line("timezone", r.Timezone)
	line("unixtime", r.Unixtime)
	line("utc_datetime", r.UTCDatetime)
	line("utc_offset", r.UTCOffset)
	line("week_number", r.WeekNumber)
	return b.String()
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
