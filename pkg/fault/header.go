package fault

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/hopline/hopline/pkg/header"
)

// request holds the faults that the headers of one request select for this service.
type request struct {
	fail    float64 // 0 to 1
	error   float64 // per cent
	drop    float64 // per cent
	latency Latency
}

// parse reads the two headers that apply to this service; own is the name of the second. The caller gets its error as a 400.
func parse(h http.Header, own string) (request, error) {
	var asked request
	if values := h[header.Fail]; values != nil {
		text := strings.Join(values, ",")
		fraction, err := strconv.ParseFloat(text, 64)
		if err != nil || !(fraction >= 0 && fraction <= 1) {
			return asked, fmt.Errorf("fail: want a number from 0 to 1, got %s", quote(text))
		}
		asked.fail = fraction
	}
	values := h[own]
	if values == nil {
		return asked, nil
	}
	for _, item := range strings.Split(strings.Join(values, ","), ",") {
		if err := asked.set(strings.TrimSpace(item)); err != nil {
			return asked, fmt.Errorf("%s: %w", strings.ToLower(own), err)
		}
	}
	return asked, nil
}

// set applies one item of x-fault-<service>: error=50, drop=5 or latency=200ms.
func (q *request) set(item string) error {
	name, value, _ := strings.Cut(item, "=")
	var rate *float64
	switch name {
	case "error":
		rate = &q.error
	case "drop":
		rate = &q.drop
	case "latency":
		latency, err := ParseLatency(value)
		if err != nil {
			return fmt.Errorf("want latency=%w, got %s", err, quote(item))
		}
		q.latency = latency
		return nil
	default:
		return fmt.Errorf("want a list such as error=50,latency=200ms,drop=5, got %s", quote(item))
	}
	percent, err := strconv.ParseFloat(value, 64)
	if err != nil || !isRate(percent) {
		return fmt.Errorf("want %s=%s, got %s", name, wantRate, quote(item))
	}
	*rate = percent
	return nil
}

// quote quotes a value from outside, and shortens it when it is long.
func quote(s string) string {
	const longest = 100
	if len(s) > longest {
		return strconv.Quote(s[:longest]) + "…"
	}
	return strconv.Quote(s)
}
