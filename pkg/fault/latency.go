package fault

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// MaxLatency bounds a delay, so that no header can hold a connection for longer.
const MaxLatency = 30 * time.Second

// Latency is a delay drawn uniformly from Min to Max, both possible. The zero value is none.
type Latency struct{ Min, Max time.Duration }

const wantLatency = "a duration such as 250ms or a range such as 100ms-2s"

// UnmarshalText reads "250ms", "100ms-2s" or "0". Its error says what was wanted.
func (l *Latency) UnmarshalText(text []byte) error {
	low, high, ranged := strings.Cut(string(text), "-")
	if !ranged {
		high = low
	}
	lo, err1 := time.ParseDuration(low)
	hi, err2 := time.ParseDuration(high)
	if err1 != nil || err2 != nil || lo < 0 || hi < lo {
		return fmt.Errorf("%s", wantLatency)
	}
	*l = Latency{min(lo, MaxLatency), min(hi, MaxLatency)}
	return nil
}

// MarshalText is the shortest form that UnmarshalText reads back.
func (l Latency) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// String is the form of the variable: "0s", "250ms" or "100ms-2s".
func (l Latency) String() string {
	if l.Min == l.Max {
		return l.Min.String()
	}
	return l.Min.String() + "-" + l.Max.String()
}

// Draw is one delay.
func (l Latency) Draw() time.Duration {
	if l.Max <= l.Min {
		return l.Min
	}
	return l.Min + rand.N(l.Max-l.Min+1)
}
