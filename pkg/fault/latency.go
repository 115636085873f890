package fault

import (
	"errors"
	"math/rand/v2"
	"strings"
	"time"
)

// MaxLatency is the longest delay, so that no header can hold a connection for longer.
const MaxLatency = 30 * time.Second

// Latency is a delay drawn uniformly from Min to Max, both included. The zero value is no delay.
type Latency struct{ Min, Max time.Duration }

const wantLatency = "a duration such as 250ms or a range such as 100ms-2s"

// ParseLatency parses "250ms", "100ms-2s" or "0". It reduces what is longer than MaxLatency to MaxLatency. Its error names the expected
// value.
func ParseLatency(text string) (Latency, error) {
	low, high, ranged := strings.Cut(text, "-")
	if !ranged {
		high = low
	}
	shortest, err1 := time.ParseDuration(low)
	longest, err2 := time.ParseDuration(high)
	if err1 != nil || err2 != nil || shortest < 0 || longest < shortest {
		return Latency{}, errors.New(wantLatency)
	}
	return Latency{min(shortest, MaxLatency), min(longest, MaxLatency)}, nil
}

// UnmarshalText implements encoding.TextUnmarshaler for the configuration.
func (l *Latency) UnmarshalText(text []byte) (err error) {
	*l, err = ParseLatency(string(text))
	return err
}

// String returns the shortest form that ParseLatency accepts: "0s", "250ms" or "100ms-2s".
func (l Latency) String() string {
	if l.Min == l.Max {
		return l.Min.String()
	}
	return l.Min.String() + "-" + l.Max.String()
}

// draw returns a random delay.
func (l Latency) draw() time.Duration {
	if l.Max <= l.Min {
		return l.Min
	}
	return l.Min + rand.N(l.Max-l.Min+1)
}
