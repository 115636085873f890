package load

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// condition is one --fail-if: a figure of the report, a comparison, and a limit.
type condition struct {
	text    string
	figure  string  // "p99", "max", "mean", "errors", "rate"
	compare string  // ">", ">=", "<", "<="
	limit   float64 // seconds for a latency, per cent or a number for errors, requests per second for a rate
	percent bool    // whether errors are in per cent
}

var conditionForm = regexp.MustCompile(`^\s*([a-z]+|p[0-9.]+)\s*(>=|<=|>|<)\s*([^\s]+)\s*$`)

// parseCondition parses a condition such as p99>250ms or errors>0.1%.
func parseCondition(text string) (condition, error) {
	wrong := func(want string) (condition, error) {
		return condition{}, fmt.Errorf("--fail-if %q: want %s", text, want)
	}
	m := conditionForm.FindStringSubmatch(text)
	if m == nil {
		return wrong("a figure, one of > >= < <=, and a value: 'p99>250ms', 'errors>0.1%', 'rate<45'")
	}
	c := condition{text: text, figure: m[1], compare: m[2]}
	switch {
	case c.figure == "errors":
		number, percent := strings.CutSuffix(m[3], "%")
		v, err := strconv.ParseFloat(number, 64)
		if err != nil || !(v >= 0) || percent && v > 100 {
			return wrong("a number of errors, or a percentage up to 100%")
		}
		c.limit, c.percent = v, percent
	case c.figure == "rate":
		v, err := strconv.ParseFloat(m[3], 64)
		if err != nil || !(v >= 0) {
			return wrong("a number of requests per second")
		}
		c.limit = v
	case c.figure == "max" || c.figure == "mean" || strings.HasPrefix(c.figure, "p"):
		if p, ok := c.percentile(); strings.HasPrefix(c.figure, "p") && (!ok || p > 100) {
			return wrong("a percentile from p0 to p100")
		}
		v, err := time.ParseDuration(m[3])
		if err != nil || v < 0 {
			return wrong("a time such as 250ms")
		}
		c.limit = v.Seconds()
	default:
		return wrong("one of the figures p50 … p99.9, max, mean, errors, rate")
	}
	return c, nil
}

// percentile returns the number of a figure such as p99.9.
func (c condition) percentile() (float64, bool) {
	p, err := strconv.ParseFloat(strings.TrimPrefix(c.figure, "p"), 64)
	return p, err == nil && p >= 0
}

// check compares the figure with its limit.
func (c condition) check(rec *recorder, held float64) Condition {
	var got float64
	var shown string
	switch c.figure {
	case "errors":
		got, shown = float64(rec.errors), strconv.FormatUint(rec.errors, 10)
		if c.percent {
			got = share(rec.errors, rec.latency.Count())
			shown = fmt.Sprintf("%.3g%%", got)
		}
	case "rate":
		got, shown = held, fmt.Sprintf("%.1f", held)
	default:
		d := rec.latency.Max()
		if c.figure == "mean" {
			d = rec.latency.Mean()
		} else if p, ok := c.percentile(); ok && c.figure != "max" {
			d = rec.latency.Percentile(p)
		}
		got, shown = d.Seconds(), milliseconds(d)
	}
	holds := map[string]bool{">": got > c.limit, ">=": got >= c.limit, "<": got < c.limit, "<=": got <= c.limit}[c.compare]
	return Condition{Condition: c.text, Holds: holds, Text: fmt.Sprintf("%s, %s is %s", c.text, c.figure, shown)}
}
