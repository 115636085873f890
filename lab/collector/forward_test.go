package collector

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/hopline/hopline/lab/internal/await"
)

// Every received span is also sent to the other collector, whatever protocol it used, the last ones on Close.
func TestForward(t *testing.T) {
	t.Parallel()
	other := start(t, Options{})
	theirs := httptest.NewServer(other.Zipkin())
	t.Cleanup(theirs.Close)
	c, err := New(Options{Forward: theirs.URL + "/"})
	if err != nil {
		t.Fatal(err)
	}
	for trace := range 700 {
		c.Add(hop(trace, 0), hop(trace, 1))
		c.accept(hops(trace, 2, 4))
	}
	await.That(t, "spans to be forwarded", func() bool { return other.Stats().Spans == 2800 })
	c.Add(hop(700, 0))
	c.Close()
	if got := other.Stats(); got.Spans != 2801 || got.Traces != 701 {
		t.Errorf("the other collector has %+v", got)
	}
	if got := testutil.ToFloat64(c.metrics.forwarded); got != 2801 {
		t.Errorf("%v forwarded", got)
	}
}

// A Zipkin that hangs or rejects spans loses them, and they are counted; it delays no sender.
func TestForwardToTrouble(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	theirs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-release
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(theirs.Close)
	c, err := New(Options{Forward: theirs.URL, Limits: Limits{Pending: 1 << 20}})
	if err != nil {
		t.Fatal(err)
	}
	const traces = forwardQueue/4 + 1_000
	for trace := range traces { // the other hangs until release is closed, below
		c.Add(hops(trace, 0, 4)...)
	}
	if got := c.Stats().Spans; got != 4*traces {
		t.Errorf("%d spans stored, want %d", got, 4*traces)
	}
	close(release)
	c.Close()
	if forwarded, lost := testutil.ToFloat64(c.metrics.forwarded), testutil.ToFloat64(c.metrics.forward); forwarded != 0 || lost != 4*traces {
		t.Errorf("%v forwarded and %v lost of %d", forwarded, lost, 4*traces)
	}
}

func TestForwardToNowhere(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"localhost:9411", "zipkin", "ftp://zipkin", "http://", "http://%zz", "/api"} {
		if c, err := New(Options{Forward: address}); err == nil {
			c.Close()
			t.Errorf("%s was accepted", address)
		}
	}
}
