package collector

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/hopline/hopline/lab/trace"
	"github.com/hopline/hopline/lab/zipkin"
)

func (a *zipkinAPI) services(parameters) (any, error) {
	return append([]string{}, a.store.Services()...), nil
}

func (a *zipkinAPI) spanNames(p parameters) (any, error) {
	service, err := p.required("serviceName")
	return append([]string{}, a.store.SpanNames(service)...), err
}

func (a *zipkinAPI) remoteServices(p parameters) (any, error) {
	service, err := p.required("serviceName")
	return append([]string{}, a.store.RemoteServices(service)...), err
}

// autocompleteKeys returns no key, as Zipkin does unless it is configured otherwise.
func (a *zipkinAPI) autocompleteKeys(parameters) (any, error) { return []string{}, nil }

func (a *zipkinAPI) autocompleteValues(p parameters) (any, error) {
	key, err := p.required("key")
	if err == nil && key == "" {
		err = errors.New("key was empty")
	}
	return []string{}, err
}

func (a *zipkinAPI) traces(p parameters) (any, error) {
	q := Query{
		Service: p.get("serviceName"), RemoteService: p.get("remoteServiceName"), SpanName: p.get("spanName"),
		Tags: ParseTags(p.get("annotationQuery")),
	}
	var err error
	number := func(name string) (n int64) {
		if err == nil {
			n, err = p.positive(name)
		}
		return n
	}
	q.EndTs, q.Limit, q.Lookback = number("endTs"), int(number("limit")), number("lookback")
	q.MinDuration, q.MaxDuration = number("minDuration"), number("maxDuration")
	if err == nil && p.values.Has("limit") && q.Limit == 0 {
		err = errors.New("limit is empty")
	}
	if err == nil && q.Limit > math.MaxInt32 {
		err = fmt.Errorf("limit: want at most %d, got %d", math.MaxInt32, q.Limit)
	}
	if err != nil {
		return nil, err
	}
	return a.store.Search(q)
}

func (a *zipkinAPI) trace(p parameters) (any, error) {
	id := strings.TrimSpace(p.path("id"))
	spans, err := a.store.Trace(id)
	if err == nil && len(spans) == 0 {
		id, _ = zipkin.TraceID(id)
		err = notFound(id + " not found")
	}
	return spans, err
}

// maxTraces bounds the ids that traceMany splits, as in Zipkin.
const maxTraces = 1000

func (a *zipkinAPI) traceMany(p parameters) (any, error) {
	list, err := p.required("traceIds")
	if err != nil {
		return nil, err
	}
	if list == "" {
		return nil, errors.New("traceIds parameter is empty")
	}
	var ids []string
	seen := map[string]bool{}
	for _, given := range strings.SplitN(list, ",", maxTraces) {
		id, err := zipkin.TraceID(given)
		if err != nil {
			return nil, err
		}
		if seen[id] {
			return nil, fmt.Errorf("redundant traceId: %s", given)
		}
		seen[id] = true
		ids = append(ids, id)
	}
	if len(ids) == 1 {
		return nil, errors.New("one traceId: GET /api/v2/trace/{traceId} gives a single trace")
	}
	return a.store.Traces(ids), nil
}

func (a *zipkinAPI) dependencies(p parameters) (any, error) {
	end, err := p.positive("endTs")
	if err == nil && end == 0 {
		err = errors.New("endTs is missing")
	}
	if err != nil {
		return nil, err
	}
	lookback, err := p.positive("lookback")
	if err != nil {
		return nil, err
	}
	return append([]trace.Link{}, a.store.Links(end, lookback)...), nil
}

// Traces returns the traces of normalized ids that are stored.
func (s *Store) Traces(ids []string) [][]*zipkin.Span {
	s.lock()
	defer s.mu.Unlock()
	found := [][]*zipkin.Span{}
	for _, id := range ids {
		if spans := s.trace(id); len(spans) > 0 {
			found = append(found, spans)
		}
	}
	return found
}

// Links returns the number of calls between services in traces with a span at most lookback before end, both in milliseconds; a lookback of
// 0 is a day.
func (s *Store) Links(end, lookback int64) []trace.Link {
	if lookback == 0 {
		lookback = defaultLookback
	}
	s.lock()
	traces := s.within("", end, lookback)
	s.mu.Unlock()
	var linker trace.Linker
	for _, t := range traces {
		linker.Add(s.spansOf(t))
	}
	return linker.Links()
}

// spansOf returns the spans of a trace; none if it was evicted meanwhile. It holds the lock for one trace only, so that counting all of them
// does not block senders.
func (s *Store) spansOf(t *record) []*zipkin.Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.words.spans(t.spans)
}
