package server

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// TestSpanAsReference sends the same requests through otelhttp with Go's own router and through this middleware with chi. The spans have
// the same name, kind, status, parent and attributes.
func TestSpanAsReference(t *testing.T) {
	t.Parallel()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch r.URL.Query().Get("do") {
		case "fail":
			w.WriteHeader(503)
		case "refuse":
			w.WriteHeader(404)
		case "nothing":
		default:
			_, _ = io.WriteString(w, "hello")
		}
	})
	for name, change := range map[string]func(*http.Request){
		"plain":             func(*http.Request) {},
		"nothing written":   func(r *http.Request) { r.URL.RawQuery = "do=nothing" },
		"error":             func(r *http.Request) { r.URL.RawQuery = "do=fail" },
		"client's error":    func(r *http.Request) { r.URL.RawQuery = "do=refuse" },
		"unmatched":         func(r *http.Request) { r.URL.Path = "/nowhere" },
		"agent":             func(r *http.Request) { r.Header.Set("User-Agent", "curl/8") },
		"forwarded":         func(r *http.Request) { r.Header.Set("X-Forwarded-For", "1.2.3.4, 5.6.7.8") },
		"host with a port":  func(r *http.Request) { r.Host = "front:8080" },
		"host with port 80": func(r *http.Request) { r.Host = "front:80" },
		"host of version 6": func(r *http.Request) { r.Host = "[::1]:8080" },
		"host 6 alone":      func(r *http.Request) { r.Host = "[::1]" },
		"odd host":          func(r *http.Request) { r.Host = "a:b:c" },
		"peer of version 6": func(r *http.Request) { r.RemoteAddr = "[::1]:5555" },
		"no peer":           func(r *http.Request) { r.RemoteAddr = "" },
		"version 1.0":       func(r *http.Request) { r.Proto = "HTTP/1.0" },
		"parent": func(r *http.Request) {
			r.Header.Set("Traceparent", "00-463ac35c9f6413ad48485a3953bb6124-0020000000000001-01")
		},
		"body": func(r *http.Request) {
			r.Method, r.Body, r.ContentLength = "POST", io.NopCloser(strings.NewReader("12345")), 5
		},
		"no standard method": func(r *http.Request) { r.Method = "BREW"; r.URL.Path = "/nowhere" },
		"method in lower case": func(r *http.Request) {
			r.Method = "get"
			r.URL.Path = "/nowhere"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newRequest := func() *http.Request {
				r := httptest.NewRequest(http.MethodGet, "/item/7", nil)
				change(r)
				return r
			}
			recorder := tracetest.NewSpanRecorder()
			traced := func(h http.Handler) http.Handler {
				return otelhttp.NewHandler(h, "", otelhttp.WithTracerProvider(sdk.NewTracerProvider(sdk.WithSpanProcessor(recorder))),
					otelhttp.WithPropagators(propagation.TraceContext{}))
			}
			mux := http.NewServeMux()
			mux.Handle("/item/{id}", traced(handler)) // inside the router otelhttp has the route
			reference := http.Handler(mux)
			if newRequest().URL.Path == "/nowhere" {
				reference = traced(http.NotFoundHandler())
			}
			reference.ServeHTTP(httptest.NewRecorder(), newRequest())

			ours := newRig(t, "OTEL_PROPAGATORS=tracecontext")
			ours.Handle("/item/{id}", handler)
			ours.ServeHTTP(httptest.NewRecorder(), newRequest())

			want, got := describe(recorder.Ended()[0]), describe(ours.spans.Ended()[0])
			if newRequest().URL.Path == "/nowhere" { // the routers' texts for "not found" differ
				delete(want, "http.response.body.size")
				delete(got, "http.response.body.size")
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-otelhttp +ours):\n%s", d)
			}
		})
	}
}

// describe returns the parts of a span that are compared.
func describe(span sdk.ReadOnlySpan) map[string]any {
	d := map[string]any{
		"name": span.Name(), "kind": span.SpanKind().String(), "status": span.Status().Code.String() + ": " + span.Status().Description,
		"parent": span.Parent().SpanID().String(),
	}
	for _, kv := range span.Attributes() {
		d[string(kv.Key)] = kv.Value.AsInterface()
	}
	return d
}

// TestSpanBounded: a client's very long values are shortened in the span.
func TestSpanBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Get("/hello", Hello)
	long := strings.Repeat("x", 60000)
	r.ask("GET", "/"+long, "User-Agent", long, "X-Forwarded-For", long)
	for _, kv := range r.spans.Ended()[0].Attributes() {
		if kv.Value.Type() == attribute.STRING && len(kv.Value.AsString()) > 600 {
			t.Errorf("%s has %d bytes", kv.Key, len(kv.Value.AsString()))
		}
	}
}
