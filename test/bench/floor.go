package main

import (
	"fmt"
	"os"
	"time"

	"github.com/valyala/fasthttp"
)

// serveNothing responds on a port with an empty JSON object, until the process ends.
func serveNothing(port string) error {
	return fasthttp.ListenAndServe("127.0.0.1:"+port, func(c *fasthttp.RequestCtx) {
		c.SetContentType("application/json")
		c.SetBodyString("{}")
	})
}

// floor measures a server that does nothing, in the place of the compared servers, and returns the latency that the client sees: that much
// of the latencies is the client's own. If it is more than half of the lowest of them, floor marks them void.
func (b *bench) floor(rate float64, compared ...figures) (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", err
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	since := time.Now()
	nothing, err := b.startPinned(nil, program, "nothing", port)
	if err != nil {
		return "", err
	}
	defer nothing.stop()
	t := target{url: "http://127.0.0.1:" + port + "/", rate: rate}
	if _, err := nothing.ready(t.url, since); err != nil {
		return "", err
	}
	var f figures
	for range b.rounds {
		if _, err := measure(nothing, t, b.connections, b.duration, &f); err != nil {
			return "", err
		}
	}
	own := median(f.calm99)
	told := fmt.Sprintf("Of a server that does nothing the same client sees %.0f requests/s, and at %.0f/s a p50 of %.2f ms and a p99 of %.2f ms: what it adds itself.",
		median(f.rate), rate, ms(median(f.calm50)), ms(own))
	for _, c := range compared {
		if own > median(c.calm99)/2 {
			return told + fmt.Sprintf(" **The latencies at %.0f/s are void: more than half of a p99 is the client's own.**", rate), nil
		}
	}
	return told, nil
}
