package cases

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/rules"
)

// File holds the cases of one file.
type File struct {
	Path  string
	Rules []string // files and directories of the rules, as they open from the current directory
	Cases []*Case

	// ofPromtool is whether the file is one for `promtool test rules`, whose users end names in the same way: its documentation
	// (https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/) has the key rule_files, which cases do not have.
	ofPromtool bool
}

// Case is a request with what is expected to happen to it.
type Case struct {
	Name     string // with the names of its groups before it, separated by slashes
	File     string
	Line     int
	Question rules.Question
	// AtHost lets the case choose its caller by the VirtualService that has the request's host, as istio-config-validator has no callers.
	AtHost bool
	Expect Expect
	Not    bool // whether the expectation must not hold
}

// Place returns the file and line of the case: "routes_test.yaml:12".
func (c *Case) Place() string { return c.File + ":" + strconv.Itoa(c.Line) }

// Expect holds what is expected to happen to a request. A part that is not set is not checked.
type Expect struct {
	Rule            *string // "none", or a rule's name or place, perhaps with its object before it
	To              []Target
	Status          *int // the mesh's own response; 0: the request is routed
	Path            *string
	Authority       *string
	Location        *string
	Headers         map[string]*string // of the request as the destination gets it; nil: absent
	ResponseHeaders map[string]*string // that the rule sets on the response; nil: that it removes
	Policy          *string            // an AuthorizationPolicy that denies the request, or "none" if no policy allows it
	Retries         *Retries
	Timeout         *time.Duration // 0: none
	Effects         []string       // texts, each of which is in a line of what else the rule does: faults, mirrors, limits
}

// Target is a destination with the range of its share, in percent.
type Target struct {
	Name     string // "middle", "middle:80", "middle/canary": a host, perhaps with a port and a subset
	Min, Max float64
}

// Retries holds what is expected of a retry policy.
type Retries struct {
	Attempts *int
	PerTry   *time.Duration
	On       *string
}

// parseRange parses "80%" or "10%..30%"; the sign may be left out.
func parseRange(text string) (low, high float64, err error) {
	from, to, isRange := strings.Cut(text, "..")
	if !isRange {
		to = from
	}
	if low, err = parsePercent(from); err == nil {
		high, err = parsePercent(to)
	}
	if err != nil || low > high {
		return 0, 0, fmt.Errorf("want a share such as 80%% or 10%%..30%%, got %q", text)
	}
	return low, high, nil
}

func parsePercent(text string) (float64, error) {
	p, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "%")), 64)
	if err == nil && (p < 0 || p > 100) {
		err = strconv.ErrRange
	}
	return p, err
}
