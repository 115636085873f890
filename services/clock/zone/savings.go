package zone

import "time"

// maxPeriods limits the search over neighbouring periods. The longest run of daylight saving without a standard period in the tz database
// is Britain's from 1940 to 1945, nine periods of summer and double summer time.
const maxPeriods = 16

// daylight describes the daylight saving at some time.
type daylight struct {
	from, until time.Time // its beginning and end; zero if the tz database has no such time
	standard    int       // the offset from UTC without it, in seconds
}

// daylightAt describes the daylight saving at t, which must have some (t.IsDST).
//
// A compiled zone holds for every period its offset and whether it is daylight saving, but not the standard offset. The nearest standard
// periods before and after give that one. They differ only where a country changed its standard time at the same moment, as Turkey did when
// it stayed on summer time in 2016; then the one an hour away is right, as nearly all savings are an hour. If both have the same offset as
// t, as in Argentina in 1999, an hour is assumed.
func daylightAt(t time.Time) daylight {
	_, offset := t.Zone()
	start, end := t.ZoneBounds()
	d := daylight{from: start, until: end, standard: offset}

	var neighbours []int
	if before, ok := standardNext(start, offset, stepBack, &d.from); ok {
		neighbours = append(neighbours, before)
	}
	if after, ok := standardNext(end, offset, stepOn, &d.until); ok {
		neighbours = append(neighbours, after)
	}
	d.standard = standardOf(offset, neighbours)
	return d
}

// standardOf returns the standard offset for a daylight saving offset, given the standard offsets of the periods before and after.
func standardOf(offset int, neighbours []int) int {
	const hour = 60 * 60
	for _, standard := range neighbours {
		if saved := offset - standard; saved == hour || saved == -hour {
			return standard
		}
	}
	for _, standard := range neighbours {
		if standard != offset {
			return standard
		}
	}
	return offset - hour
}

// stepBack returns a time in the period before transition, and where that period begins.
func stepBack(transition time.Time) (period, further time.Time) {
	period = transition.Add(-time.Nanosecond)
	further, _ = period.ZoneBounds()
	return period, further
}

// stepOn returns a time in the period after transition, and where that period ends.
func stepOn(transition time.Time) (period, further time.Time) {
	_, further = transition.ZoneBounds()
	if !further.IsZero() && !further.After(transition) {
		// Beyond a zone's table Go ends every period at the end of the year, and counts 365 days for a leap year.
		further = transition.Add(24 * time.Hour)
	}
	return transition, further
}

// standardNext walks from transition over daylight saving periods to the first standard one and returns its offset. It moves limit along
// while the periods have the given offset. Two things do not end daylight saving: a change of only the abbreviation, as from Eastern War
// Time to Eastern Peace Time in 1945, and the end of the year, at which ZoneBounds ends a period.
func standardNext(transition time.Time, offset int, step func(time.Time) (period, further time.Time), limit *time.Time) (int, bool) {
	same := true
	for range maxPeriods {
		if transition.IsZero() {
			return 0, false
		}
		period, further := step(transition)
		_, o := period.Zone()
		if !period.IsDST() {
			return o, true
		}
		if same = same && o == offset; same {
			*limit = further
		}
		transition = further
	}
	return 0, false
}
