package collector

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/zipkin"
)

// Query holds the criteria of a search. Its fields are the parameters of Zipkin's GET /api/v2/traces, with the same meaning. A zero field
// does not restrict, or has its default.
type Query struct {
	Service       string            // local service; the next five fields then apply only to its spans
	RemoteService string            // the other side of a call
	SpanName      string            // "all" is no restriction either
	Tags          map[string]string // tags with their values; with an empty value, a tag of any value or an annotation
	MinDuration   int64             // of one span, microseconds
	MaxDuration   int64             // microseconds; only together with MinDuration
	EndTs         int64             // the trace began at or before, milliseconds since 1970; by default now
	Lookback      int64             // … and at most this long before EndTs, milliseconds; by default a day
	Limit         int               // traces; by default 10
}

// The defaults of Zipkin.
const (
	defaultLookback = int64(24 * time.Hour / time.Millisecond)
	defaultLimit    = 10
)

// ParseTags reads Zipkin's annotationQuery: terms joined by " and ", each an annotation, a tag's key, or key=value.
func ParseTags(query string) map[string]string {
	if query == "" {
		return nil
	}
	tags := map[string]string{}
	for _, term := range strings.SplitN(query, " and ", 100) {
		key, value, isPair := strings.Cut(term, "=")
		key = strings.TrimSpace(key)
		if isPair {
			tags[key] = strings.TrimSpace(value)
		} else if _, there := tags[key]; !there { // key=value says more
			tags[key] = ""
		}
	}
	return tags
}

// complete fills in the defaults, converts names to the case in which they are stored, and checks the rest; the messages are Zipkin's.
func (q Query) complete() (Query, error) {
	q.Service, q.RemoteService, q.SpanName = strings.ToLower(q.Service), strings.ToLower(q.RemoteService), strings.ToLower(q.SpanName)
	if q.SpanName == "all" {
		q.SpanName = ""
	}
	q.EndTs = cmp.Or(q.EndTs, time.Now().UnixMilli())
	q.Lookback = cmp.Or(q.Lookback, defaultLookback)
	q.Limit = cmp.Or(q.Limit, defaultLimit)
	switch {
	case q.EndTs < 0:
		return q, errors.New("endTs <= 0")
	case q.Limit < 0:
		return q, errors.New("limit <= 0")
	case q.Lookback < 0:
		return q, errors.New("lookback <= 0")
	case q.MinDuration < 0:
		return q, errors.New("minDuration <= 0")
	case q.MinDuration == 0 && q.MaxDuration != 0:
		return q, errors.New("maxDuration is only valid with minDuration")
	case q.MaxDuration != 0 && q.MaxDuration < q.MinDuration:
		return q, errors.New("maxDuration < minDuration")
	}
	return q, nil
}

// Search returns the traces that match, the newest first.
func (s *Store) Search(q Query) ([][]*zipkin.Span, error) {
	q, err := q.complete()
	if err != nil {
		return nil, err
	}
	s.lock()
	defer s.mu.Unlock()
	found := [][]*zipkin.Span{}
	for _, t := range s.within(q.Service, q.EndTs, q.Lookback) {
		if len(found) >= q.Limit {
			break
		}
		if !q.matches(s.scratch.read(&s.words, t.spans)) {
			continue
		}
		for _, spans := range byTraceID(s.words.spans(t.spans)) {
			if q.matches(spans) {
				found = append(found, spans)
			}
		}
	}
	return found, nil
}

// within returns the traces with a span of the service, or any, that have a span within lookback before end, the newest first. The caller
// holds the store's lock.
func (s *Store) within(service string, end, lookback int64) []*record {
	type dated struct {
		*record
		at int64 // milliseconds
	}
	var candidates []dated
	consider := func(t *record) {
		if at, ok := t.latestWithin(end-lookback, end); ok {
			candidates = append(candidates, dated{t, at})
		}
	}
	switch svc := s.services[service]; {
	case service == "":
		for _, t := range s.traces {
			consider(t)
		}
	case svc != nil:
		for t := range svc.traces {
			consider(t)
		}
	}
	slices.SortFunc(candidates, func(a, b dated) int {
		return cmp.Or(cmp.Compare(b.at, a.at), cmp.Compare(b.id, a.id))
	})
	traces := make([]*record, len(candidates))
	for i, c := range candidates {
		traces[i] = c.record
	}
	return traces
}

// latestWithin returns the greatest timestamp of the trace's spans from begin to end, in milliseconds.
func (t *record) latestWithin(begin, end int64) (at int64, ok bool) {
	if at := t.latest / 1000; at <= end {
		return at, at >= begin
	}
	for _, span := range t.spans {
		if ms := span.timestamp() / 1000; ms >= begin && ms <= end && (!ok || ms > at) {
			at, ok = ms, true
		}
	}
	return at, ok
}

// byTraceID separates spans whose trace ids share only the lower 64 bits.
func byTraceID(spans []*zipkin.Span) [][]*zipkin.Span {
	first := spans[0].TraceID
	if !slices.ContainsFunc(spans, func(s *zipkin.Span) bool { return s.TraceID != first }) {
		return [][]*zipkin.Span{spans}
	}
	var parts [][]*zipkin.Span
	place := map[string]int{}
	for _, span := range spans {
		i, there := place[span.TraceID]
		if !there {
			i = len(parts)
			place[span.TraceID] = i
			parts = append(parts, nil)
		}
		parts[i] = append(parts[i], span)
	}
	return parts
}

// matches reports whether a trace matches a complete query.
func (q *Query) matches(spans []*zipkin.Span) bool {
	began := beginning(spans)
	if began == 0 || began < micros(q.EndTs-q.Lookback) || began > micros(q.EndTs) {
		return false
	}
	service, remote, name, duration := q.Service == "", q.RemoteService == "", q.SpanName == "", q.MinDuration == 0
	for _, span := range spans {
		if !q.concerns(span) {
			continue
		}
		service = true
		remote = remote || q.RemoteService == serviceOf(span.RemoteEndpoint)
		name = name || q.SpanName == span.Name
		duration = duration || span.Duration >= q.MinDuration && (q.MaxDuration == 0 || span.Duration <= q.MaxDuration)
	}
	return service && remote && name && duration && q.matchesTags(spans)
}

// concerns reports whether a span belongs to the query's service.
func (q *Query) concerns(span *zipkin.Span) bool {
	return q.Service == "" || q.Service == serviceOf(span.LocalEndpoint)
}

// matchesTags reports whether each of the query's tags is in some span that it concerns.
func (q *Query) matchesTags(spans []*zipkin.Span) bool {
	for key, want := range q.Tags {
		if !slices.ContainsFunc(spans, func(s *zipkin.Span) bool { return q.concerns(s) && has(s, key, want) }) {
			return false
		}
	}
	return true
}

// has reports whether a span has a tag of that value or, with an empty value, the tag or annotation at all.
func has(span *zipkin.Span, key, want string) bool {
	if value, there := span.Tags.Lookup(key); there && (want == "" || want == value) {
		return true
	}
	return want == "" && slices.ContainsFunc(span.Annotations, func(a zipkin.Annotation) bool { return a.Value == key })
}

// beginning returns when a trace began, in microseconds: its root's timestamp or else the first. 0 is unknown.
func beginning(spans []*zipkin.Span) int64 {
	var root *zipkin.Span
	var first int64
	for _, span := range spans {
		switch {
		case span.Timestamp == 0:
		case span.ParentID != "":
			if first == 0 || span.Timestamp < first {
				first = span.Timestamp
			}
		case root == nil || arrival(spans, span) < arrival(spans, root):
			root = span
		}
	}
	if root != nil {
		return root.Timestamp
	}
	return first
}

// arrival returns the position of the first span of the same millisecond: Zipkin orders a trace by milliseconds, and its root is the first
// span without a parent in that order.
func arrival(spans []*zipkin.Span, span *zipkin.Span) int {
	return slices.IndexFunc(spans, func(s *zipkin.Span) bool { return s.Timestamp/1000 == span.Timestamp/1000 })
}

// micros converts milliseconds to microseconds, up to the greatest int64.
func micros(ms int64) int64 {
	const most = math.MaxInt64 / 1000
	return max(min(ms, most), -most) * 1000
}

// Trace returns the spans of a trace, or none. As in Zipkin, a trace with an id of 128 bits is not found by its lower 64. The error
// describes an invalid id.
func (s *Store) Trace(id string) ([]*zipkin.Span, error) {
	id, err := zipkin.TraceID(id)
	if err != nil {
		return nil, err
	}
	s.lock()
	defer s.mu.Unlock()
	return s.trace(id), nil
}

// trace returns the spans of a normalized trace id. The caller holds the store's lock.
func (s *Store) trace(id string) []*zipkin.Span {
	t := s.traces[lowID(id)]
	if t == nil {
		return nil
	}
	var spans []*zipkin.Span
	for _, span := range s.words.spans(t.spans) {
		if span.TraceID == id {
			spans = append(spans, span)
		}
	}
	return spans
}
