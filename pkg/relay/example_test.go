package relay_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/hopline/hopline/pkg/config"
	"github.com/hopline/hopline/pkg/relay"
	"github.com/hopline/hopline/pkg/telemetry"
)

// A call to an upstream forwards the headers that belong to the request.
func ExampleUpstream_Get() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, r.URL.Path, r.Header.Get("x-dev-user"), r.Header.Get("x-request-id"))
	}))
	defer server.Close()

	tel, err := telemetry.Setup(&telemetry.Config{
		Hostname: "shop-1", ServiceName: "shop", ServiceVersion: "v1", LogLevel: "info", LogFormat: "json", Propagators: "b3multi",
		SDK: telemetry.SDK{Sampler: "parentbased_always_on"},
	}, io.Discard)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tel.Shutdown(context.Background())
	client := relay.NewClient(tel, relay.Options{})
	defer client.Close()
	url, err := config.ParseURL(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}

	received := http.Header{}
	received.Set("x-dev-user", "tester")
	received.Set("x-request-id", "42")
	received.Set("cookie", "of the caller only")
	var forwarded relay.Forwarded
	forwarded.Capture(received)
	resp, err := client.Upstream(url).Get(relay.NewContext(context.Background(), &forwarded), "/time")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	fmt.Print(string(text), err, "\n")
	// Output:
	// /time tester 42
	// <nil>
}
