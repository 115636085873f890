package fault

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

func mustFloat(t *testing.T, text string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// fraction converts a percentage to the form of the fail header.
func fraction(percent string, t *testing.T) string {
	return strconv.FormatFloat(mustFloat(t, percent)/100, 'g', -1, 64)
}

// TestHeaders covers valid header values, and the message for invalid ones.
func TestHeaders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		values []string
		want   request
		err    string
	}{
		{"fail", []string{"0"}, request{}, ""},
		{"fail", []string{"1"}, request{fail: 1}, ""},
		{"fail", []string{"0.25"}, request{fail: 0.25}, ""},
		{"fail", []string{"abc"}, request{}, `fail: want a number from 0 to 1, got "abc"`},
		{"fail", []string{""}, request{}, `fail: want a number from 0 to 1, got ""`},
		{"fail", []string{"1.01"}, request{}, `fail: want a number from 0 to 1, got "1.01"`},
		{"fail", []string{"-0.1"}, request{}, `fail: want a number from 0 to 1, got "-0.1"`},
		{"fail", []string{"NaN"}, request{}, `fail: want a number from 0 to 1, got "NaN"`},
		{"fail", []string{"+Inf"}, request{}, `fail: want a number from 0 to 1, got "+Inf"`},
		{"fail", []string{"0.1", "0.2"}, request{}, `fail: want a number from 0 to 1, got "0.1,0.2"`},
		{"fail", []string{strings.Repeat("9", 200)}, request{}, `fail: want a number from 0 to 1, got "` + strings.Repeat("9", 100) + `"…`},
		{"x-fault-core", []string{"error=50,latency=200ms,drop=5"}, request{error: 50, drop: 5, latency: Latency{200e6, 200e6}}, ""},
		{"x-fault-core", []string{"error=50 , latency=100ms-2s"}, request{error: 50, latency: Latency{100e6, 2 * time.Second}}, ""},
		{"x-fault-core", []string{"error=50", "drop=5"}, request{error: 50, drop: 5}, ""},
		{"x-fault-core", []string{"error=101"}, request{}, `x-fault-core: want error=a number from 0 to 100, got "error=101"`},
		{"x-fault-core", []string{"drop=-1"}, request{}, `x-fault-core: want drop=a number from 0 to 100, got "drop=-1"`},
		{"x-fault-core", []string{"error"}, request{}, `x-fault-core: want error=a number from 0 to 100, got "error"`},
		{"x-fault-core", []string{"latency=2s-1s"}, request{}, `x-fault-core: want latency=a duration such as 250ms or a range such as 100ms-2s, got "latency=2s-1s"`},
		{"x-fault-core", []string{"latency=-5ms"}, request{}, `x-fault-core: want latency=a duration such as 250ms or a range such as 100ms-2s, got "latency=-5ms"`},
		{"x-fault-core", []string{"latency=5"}, request{}, `x-fault-core: want latency=a duration such as 250ms or a range such as 100ms-2s, got "latency=5"`},
		{"x-fault-core", []string{"explode=1"}, request{}, `x-fault-core: want a list such as error=50,latency=200ms,drop=5, got "explode=1"`},
		{"x-fault-core", []string{""}, request{}, `x-fault-core: want a list such as error=50,latency=200ms,drop=5, got ""`},
		{"x-fault-middle", []string{"nonsense, but another's"}, request{}, ""},
	} {
		t.Run(c.name+" "+strings.Join(c.values, "+"), func(t *testing.T) {
			t.Parallel()
			got, err := parse(http.Header{http.CanonicalHeaderKey(c.name): c.values}, "X-Fault-Core")
			if c.err != "" {
				if err == nil || err.Error() != c.err {
					t.Errorf("error %v, wanted %s", err, c.err)
				}
				return
			}
			if err != nil || got != c.want {
				t.Errorf("%+v, %v; wanted %+v", got, err, c.want)
			}
		})
	}
}

// FuzzHeaders looks for values that break the parser or exceed the limits.
func FuzzHeaders(f *testing.F) {
	f.Add("0.5", "error=50,latency=200ms,drop=5")
	f.Add("1e-3", "latency=1ns-9999999h")
	f.Fuzz(func(t *testing.T, fail, own string) {
		asked, err := parse(http.Header{"Fail": {fail}, "X-Fault-Core": {own}}, "X-Fault-Core")
		if err != nil {
			return
		}
		l := asked.latency
		if !(asked.fail >= 0 && asked.fail <= 1) || !isRate(asked.error) || !isRate(asked.drop) || l.Min < 0 || l.Max > MaxLatency || l.Min > l.Max {
			t.Errorf("%q, %q: %+v", fail, own, asked)
		}
	})
}

// TestLatencyText: String and ParseLatency are inverse.
func TestLatencyText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"0": "0s", "250ms": "250ms", "100ms-2s": "100ms-2s", "1s-1s": "1s", "1m-1h": "30s", "0s-10ms": "0s-10ms"} {
		var l Latency
		if err := l.UnmarshalText([]byte(text)); err != nil || l.String() != want {
			t.Errorf("%s: %v, %v; wanted %s", text, l, err, want)
		}
		if again, err := ParseLatency(l.String()); err != nil || again != l {
			t.Errorf("%v came back as %v, %v", l, again, err)
		}
	}
}
