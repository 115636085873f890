package collector

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/prometheus/client_golang/prometheus"
)

// Options configures a collector. The zero value works.
type Options struct {
	Limits   Limits
	Forward  string                // base URL of a Zipkin or Jaeger that also receives every span; empty: none
	Console  string                // base URL of the console, whose /trace/{id} browsers are redirected to; empty: no redirect
	Registry prometheus.Registerer // registers the collector's metrics; nil: none
}

// Collector is a store with its HTTP handlers. Close it when done.
type Collector struct {
	*Store
	options   Options
	forwarder *forwarder // nil without Options.Forward
}

// New starts a collector. The error names an invalid option.
func New(o Options) (*Collector, error) {
	if err := CheckForward(o.Forward); err != nil {
		return nil, err
	}
	m := newMetrics()
	store := newStore(o.Limits, m)
	if o.Registry != nil {
		if err := m.register(o.Registry, store); err != nil {
			store.close()
			return nil, fmt.Errorf("the collector's metrics: %w", err)
		}
	}
	c := &Collector{Store: store, options: o}
	if o.Forward != "" {
		c.forwarder = newForwarder(o.Forward, store, m)
	}
	return c, nil
}

// CheckForward checks that target is an absolute HTTP URL, or empty.
func CheckForward(target string) error {
	if target == "" {
		return nil
	}
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("want a URL such as http://localhost:9412, got %q", target)
	}
	return nil
}

// Close stores pending spans, ends subscriptions, gives the forwarder up to its timeout to send its last spans, and returns when all
// goroutines have ended.
func (c *Collector) Close() {
	c.close()
	if c.forwarder != nil {
		c.forwarder.wait()
	}
}

// Zipkin returns the handler for port 9411: POST /api/v2/spans, Zipkin's read API, and what else its page and Grafana request.
func (c *Collector) Zipkin() http.Handler { return newZipkinAPI(c) }

// OTLP returns the handler for port 4318: POST /v1/traces.
func (c *Collector) OTLP() http.Handler { return newOTLP(c.Store) }
