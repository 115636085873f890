package load

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/hopline/hopline/lab/internal/current"
)

const (
	spansArrive = 3 * time.Second        // how long a lab may take to receive the last spans of a run
	askEvery    = 250 * time.Millisecond // time between two queries for them
)

// traceID matches what is a trace's id, whatever a response states.
var traceID = regexp.MustCompile(`^[0-9a-f]{16}([0-9a-f]{16})?$`)

// Link sets the page of each trace of the report: page returns its URL, or "" if there is none.
func (r *Report) Link(page func(trace string) string) {
	for _, list := range [][]Slow{r.Slowest, r.Failed} {
		for i := range list {
			if s := &list[i]; s.Link == "" && traceID.MatchString(s.TraceID) {
				s.Link = page(s.TraceID)
			}
		}
	}
}

// linked reports whether each trace has a page.
func (r *Report) linked() bool {
	all := true
	for _, list := range [][]Slow{r.Slowest, r.Failed} {
		for _, s := range list {
			all = all && (s.Link != "" || !traceID.MatchString(s.TraceID))
		}
	}
	return all
}

// linkTo links the traces that the lab with a console at that port of this machine has. Without a lab there are no links.
func (r *Report) linkTo(ctx context.Context, consolePort int) {
	ctx, cancel := context.WithTimeout(ctx, spansArrive)
	defer cancel()
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for lab := true; lab && !r.linked(); {
		r.Link(func(trace string) string {
			response, err := current.Get(ctx, consolePort, "/api/traces/"+trace)
			if err != nil {
				lab = false
				return ""
			}
			_ = response.Body.Close()
			if response.StatusCode != http.StatusOK {
				return ""
			}
			return fmt.Sprintf("http://localhost:%d/trace/%s", consolePort, trace)
		})
		select {
		case <-ctx.Done():
			lab = false
		case <-tick.C:
		}
	}
}
