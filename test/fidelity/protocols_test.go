package fidelity

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"istio.io/istio/pkg/config/kube"
	"istio.io/istio/pkg/config/protocol"

	vocabulary "github.com/hopline/hopline/lab/istio"
)

// TestProtocols compares the protocols of ports with those that Istio derives.
func TestProtocols(t *testing.T) {
	words := []string{"", "http", "HTTP", "http2", "grpc", "grpc-web", "gRPC-Web-x", "grpc-x", "https", "https-x", "tls", "tcp", "tcp-db", "udp", "mongo", "redis", "mysql",
		"http_proxy", "thrift", "hbone", "web", "-", "-http", "kubernetes.io/h2c", "kubernetes.io/ws", "kubernetes.io/wss", "example.com/http", "DoubleHBONE"}
	same := func(what string, want protocol.Instance, got vocabulary.Protocol) {
		t.Helper()
		if string(got) != string(want) || got.HTTP() != want.IsHTTPOrSniffed() || got.HTTP2() != want.IsHTTP2() {
			t.Errorf("%s: the lab has %s, HTTP %t, HTTP/2 %t; Istio has %s, %t, %t", what, got, got.HTTP(), got.HTTP2(), want, want.IsHTTPOrSniffed(), want.IsHTTP2())
		}
	}
	for _, name := range words {
		same("protocol "+name, protocol.Parse(name), vocabulary.ParseProtocol(name))
		for _, number := range []int{25, 53, 80, 3306, 27017} {
			for _, app := range words {
				given := &app
				if app == "" { // the API server accepts no empty one
					given = nil
				}
				same("port "+name+", appProtocol "+app, kube.ConvertProtocol(int32(number), name, corev1.ProtocolTCP, given), vocabulary.ServicePortProtocol(number, name, app))
			}
		}
	}
}
