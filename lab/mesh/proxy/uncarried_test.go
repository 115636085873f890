package proxy

import (
	"net/http"
	"testing"
)

// TestPortOfHTTP2: the lab sends no HTTP/1.1 to a port of HTTP/2, because the program behind it may not support HTTP/1.1.
func TestPortOfHTTP2(t *testing.T) {
	t.Parallel()
	to := service("middle")
	to.NotCarried = "port 80 of middle is GRPC"
	b := newBench(t, Options{}, toRoute(routeTo(to)), podOf("middle", "middle-1", handle(t, func(http.ResponseWriter, *http.Request) { t.Error("the request arrived") })))
	b.get("http://middle/").want(t, http.StatusBadGateway, to.NotCarried)
}
