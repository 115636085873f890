package zone

import (
	"sort"
	"testing"
	"time"
)

// TestDaylightSaving checks the daylight saving of places. The values are those of the tz database's own source files.
func TestDaylightSaving(t *testing.T) {
	t.Parallel()
	const none = ""
	for _, test := range []struct {
		why, zone, when string
		abbreviation    string
		raw, saved      int // minutes
		from, until     string
	}{
		{"northern summer", "Europe/Berlin", "2026-07-01T00:00:00Z", "CEST", 60, 60, "2026-03-29T01:00:00+00:00", "2026-10-25T01:00:00+00:00"},
		{"the second before", "Europe/Berlin", "2026-03-29T00:59:59Z", "CET", 60, 0, none, none},
		{"the second it begins", "Europe/Berlin", "2026-03-29T01:00:00Z", "CEST", 60, 60, "2026-03-29T01:00:00+00:00", "2026-10-25T01:00:00+00:00"},
		{"its last second", "Europe/Berlin", "2026-10-25T00:59:59Z", "CEST", 60, 60, "2026-03-29T01:00:00+00:00", "2026-10-25T01:00:00+00:00"},
		{"the second it ends", "Europe/Berlin", "2026-10-25T01:00:00Z", "CET", 60, 0, none, none},
		{"by rule, beyond the table", "Europe/Berlin", "2199-07-01T00:00:00Z", "CEST", 60, 60, "2199-03-31T01:00:00+00:00", "2199-10-27T01:00:00+00:00"},
		{"southern summer spans the new year", "Australia/Sydney", "2026-01-15T00:00:00Z", "AEDT", 600, 60, "2025-10-04T16:00:00+00:00", "2026-04-04T16:00:00+00:00"},
		{"southern winter", "Australia/Sydney", "2026-07-15T00:00:00Z", "AEST", 600, 0, none, none},
		{"half an hour", "Australia/Lord_Howe", "2026-01-15T00:00:00Z", "+11", 630, 30, "2025-10-04T15:30:00+00:00", "2026-04-04T15:00:00+00:00"},
		{"two hours", "Antarctica/Troll", "2026-07-01T00:00:00Z", "+02", 0, 120, "2026-03-29T01:00:00+00:00", "2026-10-25T01:00:00+00:00"},
		{"southern summer at a leap year's end", "Australia/Sydney", "2028-12-31T12:00:00Z", "AEDT", 600, 60, "2028-09-30T16:00:00+00:00", "2029-03-31T16:00:00+00:00"},
		{"southern summer before a leap year's end", "America/Santiago", "2028-12-01T12:00:00Z", "-03", -240, 60, "2028-09-03T04:00:00+00:00", "2029-04-08T03:00:00+00:00"},
		{"negative at a leap year's end", "Europe/Dublin", "2028-12-31T12:00:00Z", "GMT", 60, -60, "2028-10-29T01:00:00+00:00", "2029-03-25T01:00:00+00:00"},
		{"twenty minutes", "Asia/Singapore", "1934-01-01T00:00:00Z", "+0720", 420, 20, "1932-12-31T17:00:00+00:00", "1935-12-31T16:40:00+00:00"},
		{"negative: winter saves", "Europe/Dublin", "2026-01-15T00:00:00Z", "GMT", 60, -60, "2025-10-26T01:00:00+00:00", "2026-03-29T01:00:00+00:00"},
		{"negative: summer is standard", "Europe/Dublin", "2026-07-15T00:00:00Z", "IST", 60, 0, none, none},
		{"negative: Ramadan", "Africa/Casablanca", "2025-03-10T00:00:00Z", "+00", 60, -60, "2025-02-23T02:00:00+00:00", "2025-04-06T02:00:00+00:00"},
		{"quarter of an hour offset", "Pacific/Chatham", "2026-01-15T00:00:00Z", "+1345", 765, 60, "2025-09-27T14:00:00+00:00", "2026-04-04T14:00:00+00:00"},
		{"abandoned", "Europe/Moscow", "2026-07-01T00:00:00Z", "MSK", 180, 0, none, none},
		{"double summer time", "Europe/London", "1943-07-01T00:00:00Z", "BDST", 0, 120, "1943-04-04T01:00:00+00:00", "1943-08-15T01:00:00+00:00"},
		{"war and peace time are one", "America/New_York", "1945-08-20T00:00:00Z", "EPT", -300, 60, "1942-02-09T07:00:00+00:00", "1945-09-30T06:00:00+00:00"},
		{"standard time moved up to it", "Europe/Istanbul", "2016-07-01T00:00:00Z", "EEST", 120, 60, "2016-03-27T01:00:00+00:00", "2016-09-06T21:00:00+00:00"},
		{"standard time on both sides is the same time", "America/Argentina/Salta", "1999-12-01T00:00:00Z", "-03", -240, 60, "1999-10-03T03:00:00+00:00", "2000-03-03T03:00:00+00:00"},
		{"never", "Asia/Jakarta", "2026-07-01T00:00:00Z", "WIB", 420, 0, none, none},
		{"fixed", "Etc/GMT-14", "2026-07-01T00:00:00Z", "+14", 840, 0, none, none},
	} {
		t.Run(test.zone+" "+test.why, func(t *testing.T) {
			t.Parallel()
			r := at(t, test.zone, test.when)
			if r.Abbreviation != test.abbreviation || r.RawOffset != test.raw*60 || r.DSTOffset != test.saved*60 || r.DST != (test.saved != 0) {
				t.Errorf("got %s, raw %d, saved %d, dst %t; want %s, %d, %d", r.Abbreviation, r.RawOffset, r.DSTOffset, r.DST,
					test.abbreviation, test.raw*60, test.saved*60)
			}
			if from, until := orEmpty(r.DSTFrom), orEmpty(r.DSTUntil); from != test.from || until != test.until {
				t.Errorf("got %s to %s, want %s to %s", from, until, test.from, test.until)
			}
		})
	}
}

// TestEveryZoneAcrossEveryChange compares all fifteen keys with the time package, for every zone and every change of its clocks since 1985
// and for years to come: a second before, at, and after it. It finds the changes by comparing offsets, not by ZoneBounds, which At uses.
func TestEveryZoneAcrossEveryChange(t *testing.T) {
	t.Parallel()
	begin, end := time.Date(1985, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2039, 1, 1, 0, 0, 0, 0, time.UTC)
	db := Open()
	changes, savings := 0, 0
	for _, name := range db.Names() {
		location, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		zone, err := db.Zone(name)
		if err != nil {
			t.Fatal(err)
		}
		check(t, zone, begin.In(location))
		for _, change := range changesOf(location, begin, end) {
			changes++
			for _, second := range []int{-1, 0, 1} {
				if check(t, zone, change.Add(time.Duration(second)*time.Second)) {
					savings++
				}
			}
		}
		for year := range 12 { // the end of a year is not a change
			check(t, zone, time.Date(2024+year, 12, 31, 12, 0, 0, 0, location))
		}
	}
	if changes < 20_000 || savings < 20_000 {
		t.Errorf("only %d changes and %d readings in daylight saving were checked", changes, savings)
	}
}

// clockSetting holds the values that a change of the clocks changes.
type clockSetting struct {
	abbreviation string
	offset       int
	daylight     bool
}

func settingAt(t time.Time) clockSetting {
	abbreviation, offset := t.Zone()
	return clockSetting{abbreviation, offset, t.IsDST()}
}

// changesOf returns the first seconds of each new setting. It checks every fortnight; no setting in these years was shorter.
func changesOf(location *time.Location, begin, end time.Time) []time.Time {
	const fortnight = 14 * 24 * 60 * 60
	after := func(t time.Time, seconds int) time.Time { return t.Add(time.Duration(seconds) * time.Second) }
	var changes []time.Time
	instant := begin.In(location)
	setting := settingAt(instant)
	for instant.Before(end) {
		next := after(instant, fortnight)
		if nextSetting := settingAt(next); nextSetting != setting {
			changes = append(changes, after(instant, sort.Search(fortnight, func(s int) bool { return settingAt(after(instant, s)) != setting })))
			setting = nextSetting
		}
		instant = next
	}
	return changes
}

// check compares one reading with the time package and reports whether it is daylight saving.
func check(t *testing.T, zone *Zone, instant time.Time) bool {
	t.Helper()
	r := zone.At(instant)
	abbreviation, offset := instant.Zone()
	_, week := instant.ISOWeek()
	local, err := time.Parse(time.RFC3339Nano, r.Datetime)
	if err != nil {
		t.Errorf("%s at %s: %v", zone.Name(), instant, err)
	}
	universal, err := time.Parse(time.RFC3339Nano, r.UTCDatetime)
	if err != nil {
		t.Errorf("%s at %s: %v", zone.Name(), instant, err)
	}
	_, localOffset := local.Zone()
	if r.Abbreviation != abbreviation || r.DST != instant.IsDST() || r.RawOffset+r.DSTOffset != offset || localOffset != offset ||
		!local.Equal(instant) || !universal.Equal(instant) || r.Unixtime != instant.Unix() || r.UTCOffset != instant.Format("-07:00") ||
		r.DayOfWeek != int(instant.Weekday()) || r.DayOfYear != instant.YearDay() || r.WeekNumber != week || r.Timezone != zone.Name() {
		t.Errorf("%s: %+v is not %s", zone.Name(), r, instant)
	}
	if !r.DST {
		if r.DSTFrom != nil || r.DSTUntil != nil || r.DSTOffset != 0 {
			t.Errorf("%s: daylight saving without daylight saving: %+v", zone.Name(), r)
		}
		return false
	}
	checkDaylight(t, r, instant)
	return true
}

// checkDaylight compares the ends of a daylight saving period with the time package: the same offset just inside, another just outside.
func checkDaylight(t *testing.T, r Reading, instant time.Time) {
	t.Helper()
	_, offset := instant.Zone()
	inForce := func(instant time.Time) bool {
		_, o := instant.Zone()
		return instant.IsDST() && o == offset
	}
	if r.DSTOffset == 0 || r.DSTOffset < -3600 || r.DSTOffset > 7200 {
		t.Errorf("%s at %s: daylight saving of %d seconds", r.Timezone, instant, r.DSTOffset)
	}
	if r.DSTFrom == nil || r.DSTUntil == nil {
		t.Errorf("%s at %s: daylight saving from %v until %v", r.Timezone, instant, r.DSTFrom, r.DSTUntil)
		return
	}
	from, errFrom := time.Parse(time.RFC3339, *r.DSTFrom)
	until, errUntil := time.Parse(time.RFC3339, *r.DSTUntil)
	if errFrom != nil || errUntil != nil {
		t.Fatal(errFrom, errUntil)
	}
	from, until = from.In(instant.Location()), until.In(instant.Location())
	if from.After(instant) || !until.After(instant) || !inForce(from) || inForce(from.Add(-time.Second)) ||
		!inForce(until.Add(-time.Second)) || inForce(until) {
		t.Errorf("%s at %s: daylight saving from %s until %s", r.Timezone, instant, from, until)
	}
}
