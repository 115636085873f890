package telemetry_test

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"go.opentelemetry.io/otel/propagation"

	"github.com/hopline/hopline/pkg/telemetry"
)

// A service continues the trace of its caller, and passes it on to its upstream.
func ExampleSetup() {
	tel, err := telemetry.Setup(&telemetry.Config{
		Hostname: "shop-1", ServiceName: "shop", ServiceVersion: "v1", LogLevel: "info", LogFormat: "json", Propagators: "b3multi",
		SDK: telemetry.SDK{Sampler: "parentbased_always_on"},
	}, io.Discard)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tel.Shutdown(context.Background())

	received := http.Header{}
	received.Set("x-b3-traceid", "463ac35c9f6413ad48485a3953bb6124")
	received.Set("x-b3-spanid", "a2fb4a1d1a96d312")
	received.Set("x-b3-sampled", "1")
	ctx := tel.Propagator.Extract(context.Background(), propagation.HeaderCarrier(received))
	ctx, span := tel.Tracer.Start(ctx, "GET /")
	defer span.End()

	sent := http.Header{}
	tel.Propagator.Inject(ctx, propagation.HeaderCarrier(sent))
	fmt.Println(tel.Identity.ServedBy())
	fmt.Println(sent.Get("x-b3-traceid"), sent.Get("x-b3-sampled"), sent.Get("x-b3-spanid") != "a2fb4a1d1a96d312")
	// Output:
	// shop-v1/shop-1
	// 463ac35c9f6413ad48485a3953bb6124 1 true
}
