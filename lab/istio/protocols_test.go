package istio

import "testing"

func TestServicePortProtocol(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		number            int
		name, appProtocol string
		want              Protocol
		http, http2       bool
	}{
		{80, "", "", Detected, true, false},
		{80, "web", "", Detected, true, false},
		{80, "thrift-a", "", Detected, true, false},
		{3306, "", "", "TCP", false, false},
		{3306, "http", "", "HTTP", true, false},
		{80, "HTTP-x", "", "HTTP", true, false},
		{80, "http2-x", "", "HTTP2", true, true},
		{80, "grpc", "", "GRPC", true, true},
		{80, "grpc-web", "", "GRPC-Web", true, true},
		{80, "grpc-webs", "", "GRPC-Web", true, true},
		{80, "http", "tcp", "TCP", false, false},
		{80, "tcp", "http", "HTTP", true, false},
		{80, "tcp", "kubernetes.io/h2c", "HTTP2", true, true},
		{80, "tcp", "kubernetes.io/ws", "HTTP", true, false},
		{80, "http", "kubernetes.io/wss", "HTTPS", false, false},
		{80, "http", "example.com/own", Detected, true, false},
	} {
		got := ServicePortProtocol(c.number, c.name, c.appProtocol)
		if got != c.want || got.HTTP() != c.http || got.HTTP2() != c.http2 {
			t.Errorf("port %d %q, appProtocol %q: got %s, HTTP %t, HTTP/2 %t; want %s, %t, %t", c.number, c.name, c.appProtocol, got, got.HTTP(), got.HTTP2(), c.want, c.http, c.http2)
		}
	}
}
