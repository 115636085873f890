package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hopline/hopline/lab/zipkin"
)

// BenchmarkIngress measures requests through the ingress to a service, with all telemetry on, beside the same service reached directly and beside a bare
// httputil.ReverseProxy. All three are measured with one keep-alive connection and a client that costs almost nothing.
func BenchmarkIngress(b *testing.B) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }))
	defer up.Close()
	address := up.Listener.Addr().String()

	b.Run("direct", func(b *testing.B) { load(b, address) })
	b.Run("hopline", func(b *testing.B) {
		spans := 0
		o := Options{Registry: prometheus.NewRegistry(), Span: func(*zipkin.Span) { spans++ }, Access: func(*Access) {}}
		bench := newBench(b, o, toRoute(routeTo(service("middle"))), podOf("middle", "middle-1", address))
		load(b, bench.ingress.Listener.Addr().String())
	})
	b.Run("reverseproxy", func(b *testing.B) {
		u, _ := url.Parse(up.URL)
		p := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) },
			Transport: &http.Transport{MaxIdleConnsPerHost: 100, DisableCompression: true}})
		defer p.Close()
		load(b, p.Listener.Addr().String())
	})
}

// load sends b.N requests over one connection.
func load(b *testing.B, address string) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	r := bufio.NewReader(c)
	request := []byte("GET /demo-app/hops HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n")
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if _, err := c.Write(request); err != nil {
			b.Fatal(err)
		}
		if err := readAnswer(r); err != nil {
			b.Fatal(err)
		}
	}
}

// readAnswer reads a response with a Content-Length of one digit.
func readAnswer(r *bufio.Reader) error {
	length := -1
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == 2 {
			break
		}
		if len(line) == len("Content-Length: 5\r\n") && line[0] == 'C' && line[8] == 'L' {
			length = int(line[16] - '0')
		}
	}
	if length < 0 {
		return fmt.Errorf("no Content-Length")
	}
	_, err := r.Discard(length)
	return err
}
