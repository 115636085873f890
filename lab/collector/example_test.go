package collector_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/hopline/hopline/lab/collector"
)

func Example() {
	c, err := collector.New(collector.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	zipkin := httptest.NewServer(c.Zipkin())
	defer zipkin.Close()

	span := `[{"traceId": "463ac35c9f6413ad", "id": "a2fb4a1d1a96d312", "name": "get /", "timestamp": 1500000000000000, "duration": 207,
		"localEndpoint": {"serviceName": "shop"}, "tags": {"http.status_code": "200"}}]`
	resp, err := http.Post(zipkin.URL+"/api/v2/spans", "application/json", strings.NewReader(span))
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.Status)

	c.Close() // stores what is pending
	trace, err := c.Trace("463ac35c9f6413ad")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range trace {
		fmt.Println(s.LocalEndpoint.ServiceName, s.Name, s.Duration, "µs")
	}
	// Output:
	// 202 Accepted
	// shop get / 207 µs
}
