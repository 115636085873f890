package collector

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/zipkin"
)

// The forwarder's bounds. While one batch is being sent the next is collected; spans beyond the bound are dropped and counted.
const (
	forwardQueue   = 20_000                 // spans
	forwardBatch   = 1_000                  // spans in a request
	forwardStep    = 50                     // spans written at a time
	forwardEvery   = 200 * time.Millisecond // how long spans wait for a batch
	forwardTimeout = 3 * time.Second        // for all waiting spans
)

// forwarder sends every span on to the user's Zipkin. It never blocks a sender and never retries: a batch that the Zipkin does not accept
// is lost.
type forwarder struct {
	endpoint string
	client   *http.Client
	spans    *Subscription
	metrics  *metrics
	size     int // of the last body, in bytes
	ended    chan struct{}
}

func newForwarder(base string, s *Store, m *metrics) *forwarder {
	endpoint := strings.TrimSuffix(base, "/")
	if !strings.HasSuffix(endpoint, "/api/v2/spans") {
		endpoint += "/api/v2/spans"
	}
	f := &forwarder{
		endpoint: endpoint,
		// No proxy: in the lab HTTP_PROXY is the mesh, and telemetry bypasses it.
		client:  &http.Client{Timeout: forwardTimeout, Transport: &http.Transport{MaxIdleConns: 1}},
		spans:   s.Subscribe(forwardQueue),
		metrics: m,
		ended:   make(chan struct{}),
	}
	go f.run()
	return f
}

// run sends until the store is closed, and once more after that.
func (f *forwarder) run() {
	defer close(f.ended)
	defer f.client.CloseIdleConnections()
	tick := time.NewTicker(forwardEvery)
	defer tick.Stop()
	lost := uint64(0)
	for closed := false; !closed; {
		select {
		case <-tick.C:
		case <-f.spans.Done():
			closed = true
		}
		f.send(f.spans.Take())
		dropped := f.spans.Dropped()
		f.metrics.forward.Add(float64(dropped - lost))
		lost = dropped
	}
}

// wait returns when the last spans have been sent or dropped.
func (f *forwarder) wait() { <-f.ended }

// send posts spans in batches, all of them within one timeout.
func (f *forwarder) send(spans []*zipkin.Span) {
	ctx, cancel := context.WithTimeout(context.Background(), forwardTimeout)
	defer cancel()
	for len(spans) > 0 {
		batch := spans[:min(len(spans), forwardBatch)]
		spans = spans[len(batch):]
		if f.post(ctx, batch) == nil {
			f.metrics.forwarded.Add(float64(len(batch)))
		} else {
			f.metrics.forward.Add(float64(len(batch)))
		}
	}
}

func (f *forwarder) post(ctx context.Context, batch []*zipkin.Span) error {
	// A new body each time: the client may still read the body of a request that got an early response.
	body := encode(make([]byte, 0, f.size+f.size/8), batch)
	f.size = len(body)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, f.endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := f.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection can be reused
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s responded with %s", f.endpoint, answer.Status)
	}
	return nil
}

// encode writes spans in Zipkin's format. It sleeps for a moment after every few spans: on one core a whole batch would delay requests by
// milliseconds. Yielding is not enough, as Go's scheduler polls the network only when nothing else can run.
func encode(b []byte, spans []*zipkin.Span) []byte {
	b = append(b, '[')
	for i, span := range spans {
		if i > 0 {
			b = append(b, ',')
		}
		b = span.AppendJSON(b)
		if i%forwardStep == forwardStep-1 {
			time.Sleep(time.Millisecond)
		}
	}
	return append(b, ']')
}
