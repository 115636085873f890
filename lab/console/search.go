package console

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/collector"
	"github.com/hopline/hopline/lab/zipkin"
)

// The number of traces in a list.
const (
	usualTraces = 30
	maxTraces   = 200
)

// parseQuery reads a query from a URL: service, span, min (a duration such as 100ms, of the whole trace), tags
// ("http.route=/hops error"), errors, limit.
func parseQuery(values url.Values) (collector.Query, error) {
	q := collector.Query{
		Service: values.Get("service"), SpanName: values.Get("span"), Limit: usualTraces,
		Tags: collector.ParseTags(strings.Join(strings.Fields(values.Get("tags")), " and ")),
	}
	if values.Get("errors") != "" {
		if q.Tags == nil {
			q.Tags = map[string]string{}
		}
		if _, there := q.Tags["error"]; !there {
			q.Tags["error"] = ""
		}
	}
	if text := values.Get("min"); text != "" {
		atLeast, err := time.ParseDuration(strings.ReplaceAll(text, " ", ""))
		if err != nil || atLeast < 0 {
			return q, fmt.Errorf("at least: want a duration such as 250ms or 2s, got %q", text)
		}
		q.MinDuration = atLeast.Microseconds()
	}
	if text := values.Get("limit"); text != "" {
		limit, err := strconv.Atoi(text)
		if err != nil || limit < 1 || limit > maxTraces {
			return q, fmt.Errorf("limit: want a number from 1 to %d, got %q", maxTraces, text)
		}
		q.Limit = limit
	}
	return q, nil
}

func (c *Console) serveSearch(w http.ResponseWriter, r *http.Request) {
	query, err := parseQuery(r.URL.Query())
	var found [][]*zipkin.Span
	if err == nil {
		found, err = c.traces.Search(query)
	}
	if err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	summaries := []Summary{}
	for _, spans := range found {
		summaries = append(summaries, summarize(spans))
	}
	writeJSON(w, summaries)
}

func (c *Console) serveTrace(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	spans, err := c.traces.Trace(id)
	if err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	if len(spans) == 0 {
		writeError(w, http.StatusNotFound, fmt.Errorf("no trace %q is kept: it may be too old, not sampled, or not have arrived yet", id))
		return
	}
	writeJSON(w, detail(spans, c.source.Logs().Trace(spans[0].TraceID)))
}

// serveNames returns the values to search for: all services, and the span names of one.
func (c *Console) serveNames(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, map[string][]string{
		"services": some(c.traces.Services()),
		"spans":    some(c.traces.SpanNames(r.URL.Query().Get("service"))),
	})
}
