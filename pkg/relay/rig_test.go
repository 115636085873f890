package relay

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/hopline/hopline/pkg/config"
	"github.com/hopline/hopline/pkg/telemetry"
)

// rig is a hop called middle-v1 with a client, and the spans that it ended.
type rig struct {
	client *Client
	tel    *telemetry.Telemetry
	spans  *tracetest.SpanRecorder
}

func newRig(t *testing.T, o Options) *rig {
	t.Helper()
	cfg := telemetry.Config{
		Hostname: "middle-1", ServiceName: "middle", ServiceVersion: "v1", LogLevel: "error", LogFormat: "json", Propagators: "b3multi",
		SDK: telemetry.SDK{Sampler: "parentbased_always_on"},
	}
	tel, err := telemetry.Setup(&cfg, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{tel: tel, spans: tracetest.NewSpanRecorder()}
	tel.Tracer = sdk.NewTracerProvider(sdk.WithSpanProcessor(r.spans)).Tracer("test")
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	r.client = NewClient(tel, o)
	t.Cleanup(r.client.Close)
	return r
}

// to returns the upstream at an address.
func (r *rig) to(t *testing.T, address string) *Upstream {
	t.Helper()
	u, err := config.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	return r.client.Upstream(u)
}

// ask sends a request through a handler.
func ask(h http.HandlerFunc, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h(w, r)
	return w
}

// upstream starts a server with handler h until the test ends.
func upstream(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// rawUpstream passes each connection to serve, which closes it.
func rawUpstream(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serve(conn)
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
	})
	return "http://" + listener.Addr().String()
}

// forwarding returns a context with headers to forward.
func forwarding(ctx context.Context, h http.Header) context.Context {
	f := &Forwarded{}
	f.Capture(h)
	return NewContext(ctx, f)
}
