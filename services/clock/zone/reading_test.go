package zone

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func at(t *testing.T, name, when string) Reading {
	t.Helper()
	zone, err := Open().Zone(name)
	if err != nil {
		t.Fatal(err)
	}
	instant, err := time.Parse(time.RFC3339, when)
	if err != nil {
		t.Fatal(err)
	}
	return zone.At(instant)
}

// The expected values are worldtimeapi.org's own responses of those days.
func TestReadingIsWorldTimeAPIs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ zone, when, want string }{
		{"America/Los_Angeles", "2019-11-20T17:08:24.181139Z", `{"abbreviation":"PST","client_ip":"","datetime":"2019-11-20T09:08:24.181139-08:00",` +
			`"day_of_week":3,"day_of_year":324,"dst":false,"dst_from":null,"dst_offset":0,"dst_until":null,"raw_offset":-28800,"timezone":"America/Los_Angeles",` +
			`"unixtime":1574269704,"utc_datetime":"2019-11-20T17:08:24.181139+00:00","utc_offset":"-08:00","week_number":47}`},
		{"Asia/Kathmandu", "2021-09-26T13:26:19.968921Z", `{"abbreviation":"+0545","client_ip":"","datetime":"2021-09-26T19:11:19.968921+05:45",` +
			`"day_of_week":0,"day_of_year":269,"dst":false,"dst_from":null,"dst_offset":0,"dst_until":null,"raw_offset":20700,"timezone":"Asia/Kathmandu",` +
			`"unixtime":1632662779,"utc_datetime":"2021-09-26T13:26:19.968921+00:00","utc_offset":"+05:45","week_number":38}`},
		{"America/New_York", "2021-10-27T12:00:00Z", `{"abbreviation":"EDT","client_ip":"","datetime":"2021-10-27T08:00:00.000000-04:00",` +
			`"day_of_week":3,"day_of_year":300,"dst":true,"dst_from":"2021-03-14T07:00:00+00:00","dst_offset":3600,"dst_until":"2021-11-07T06:00:00+00:00","raw_offset":-18000,"timezone":"America/New_York",` +
			`"unixtime":1635336000,"utc_datetime":"2021-10-27T12:00:00.000000+00:00","utc_offset":"-04:00","week_number":43}`},
	} {
		got, err := json.Marshal(at(t, test.zone, test.when))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, string(got)); diff != "" {
			t.Errorf("%s at %s (-want +got):\n%s", test.zone, test.when, diff)
		}
	}
}

func TestCalendar(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		zone, when           string
		datetime             string
		weekday, yday, week_ int
	}{
		{"Etc/UTC", "2027-01-03T23:59:59Z", "2027-01-03T23:59:59.000000+00:00", 0, 3, 53}, // Sunday is 0; ISO week of the year before
		{"Etc/UTC", "2024-12-31T12:00:00Z", "2024-12-31T12:00:00.000000+00:00", 2, 366, 1},
		{"Pacific/Kiritimati", "2025-12-31T10:00:00Z", "2026-01-01T00:00:00.000000+14:00", 4, 1, 1}, // the first to see the new year
		{"Etc/GMT+12", "2026-01-01T11:59:59Z", "2025-12-31T23:59:59.000000-12:00", 3, 365, 1},
		{"Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29T23:59:59.000000-10:00", 4, 363, 52}, // Samoa had no 30 December
		{"Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31T00:00:00.000000+14:00", 6, 365, 52},
		{"Pacific/Kwajalein", "1993-08-21T12:00:00Z", "1993-08-22T00:00:00.000000+12:00", 0, 234, 33}, // no 21 August
		{"Pacific/Kwajalein", "1993-08-21T11:59:59Z", "1993-08-20T23:59:59.000000-12:00", 5, 232, 33},
	} {
		r := at(t, test.zone, test.when)
		if r.Datetime != test.datetime || r.DayOfWeek != test.weekday || r.DayOfYear != test.yday || r.WeekNumber != test.week_ {
			t.Errorf("%s at %s: got %s, weekday %d, day %d, week %d; want %s, %d, %d, %d", test.zone, test.when,
				r.Datetime, r.DayOfWeek, r.DayOfYear, r.WeekNumber, test.datetime, test.weekday, test.yday, test.week_)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ when, from string }{
		{"2026-07-01T12:00:00Z", "dst_from: 2026-03-29T01:00:00+00:00\n"},
		{"2026-12-01T12:00:00Z", "dst_from: \n"},
	} {
		r := at(t, "Europe/Berlin", test.when)
		text := r.Text()
		if !strings.Contains(text, test.from) {
			t.Errorf("%s: want the line %q in\n%s", test.when, test.from, text)
		}
		// The text has the JSON's keys in the JSON's order.
		encoded, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		decoder := json.NewDecoder(strings.NewReader(string(encoded)))
		var want strings.Builder
		for depth := 0; decoder.More(); depth++ {
			token, err := decoder.Token()
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case depth == 0: // the brace
			case depth%2 == 1:
				fmt.Fprintf(&want, "%v: ", token)
			case token == nil:
				want.WriteString("\n")
			default:
				if number, ok := token.(float64); ok {
					token = int64(number)
				}
				fmt.Fprintf(&want, "%v\n", token)
			}
		}
		if diff := cmp.Diff(want.String(), text); diff != "" {
			t.Errorf("(-JSON +text):\n%s", diff)
		}
	}
}

func BenchmarkAt(b *testing.B) {
	zone, err := Open().Zone("America/New_York")
	if err != nil {
		b.Fatal(err)
	}
	summer := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	b.ReportAllocs()
	for b.Loop() {
		zone.At(summer)
	}
}
