package proxy

import (
	"strings"
	"testing"
)

func TestGarbageFromUpstream(t *testing.T) {
	t.Parallel()
	up := script(t, func(r string) string {
		if strings.HasSuffix(r, "/half") {
			return "HTTP/1.1 200 OK\r\nConte\x00close"
		}
		return "garbage, and nothing more"
	})
	b := newBench(t, Options{}, toRoute(routeTo(service("middle"))), podOf("middle", "middle-1", up))
	const text = "upstream connect error or disconnect/reset before headers. reset reason: protocol error"
	b.get("http://middle/").want(t, 502, text)
	b.get("http://middle/half").want(t, 502, text)
}
