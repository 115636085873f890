package telemetry

import (
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
)

// TestDurations reads what a scrape shows in OpenMetrics: classic buckets, each with the trace of its last observation.
func TestDurations(t *testing.T) {
	t.Parallel()
	d := NewDurations("seconds", "help", "route")
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(d)
	at := time.Unix(1700000000, 0)
	d.With("/a").Observe(2*time.Millisecond, "first", at)
	d.With("/a").Observe(2*time.Millisecond, "second", at)
	d.With("/a").Observe(2*time.Millisecond, "", at) // not sampled: leaves the exemplar
	d.With("/a").Observe(time.Minute, "endless", at)
	d.With("/b").Observe(2500*time.Microsecond, "", at) // a bound belongs to its bucket

	text := scrape(t, registry)
	for _, want := range []string{
		`seconds_bucket{route="/a",le="0.001"} 0` + "\n",
		`seconds_bucket{route="/a",le="0.0025"} 3 # {trace_id="second"} 0.002 1.7e+09` + "\n",
		`seconds_bucket{route="/a",le="30.0"} 3` + "\n",
		`seconds_bucket{route="/a",le="+Inf"} 4 # {trace_id="endless"} 60.0 1.7e+09` + "\n",
		`seconds_count{route="/a"} 4` + "\n",
		`seconds_bucket{route="/b",le="0.0025"} 1` + "\n",
		`seconds_bucket{route="/b",le="+Inf"} 1` + "\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}

// TestDurationsNative: native buckets are kept beside, with exemplars of their own.
func TestDurationsNative(t *testing.T) {
	t.Parallel()
	d := NewDurations("seconds", "help")
	for i := range 1000 {
		d.With().Observe(time.Duration(i)*time.Millisecond, "trace", time.Unix(1, 0))
	}
	var m dto.Metric
	if err := d.With().Write(&m); err != nil {
		t.Fatal(err)
	}
	if h := m.Histogram; h.GetSampleCount() != 1000 || len(h.PositiveSpan) == 0 || len(h.PositiveDelta) > 160 || len(h.Exemplars) == 0 {
		t.Errorf("%d observations, %d spans of %d native buckets, %d exemplars", h.GetSampleCount(), len(h.PositiveSpan), len(h.PositiveDelta), len(h.Exemplars))
	}
}

func scrape(t *testing.T, registry *prometheus.Registry) string {
	t.Helper()
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/metrics", nil)
	r.Header.Set("Accept", "application/openmetrics-text")
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}).ServeHTTP(w, r)
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestMethod: what is no method of the standards is one label.
func TestMethod(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]string{"GET": "GET", "PATCH": "PATCH", "get": "GET", "BREW": "_OTHER", "": "_OTHER"} {
		if got := Method(method); got != want {
			t.Errorf("%q is %q, wanted %q", method, got, want)
		}
	}
}
