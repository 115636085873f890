package console

import (
	"testing"

	"github.com/hopline/hopline/lab/zipkin"
)

// TestCause checks the words for where and why a trace failed.
func TestCause(t *testing.T) {
	t.Parallel()
	core := &zipkin.Endpoint{ServiceName: "core"}
	for want, span := range map[string]zipkin.Span{
		"core prod responded with 500: an injected fault":                            {Kind: zipkin.Server, Tags: zipkin.TagsOf(map[string]string{"error": "500", "http.response.status_code": "500", "fault.injected": "error"})},
		"core prod responded with no response: an injected fault":                    {Kind: zipkin.Server, Tags: zipkin.TagsOf(map[string]string{"error": "dropped", "fault.injected": "latency,drop"})},
		"core prod responded with 500":                                               {Kind: zipkin.Server, Tags: zipkin.TagsOf(map[string]string{"error": "500", "http.response.status_code": "500", "fault.injected": "latency"})},
		"core prod responded with 502: no route to host":                             {Kind: zipkin.Server, Tags: zipkin.TagsOf(map[string]string{"error": "no route to host", "http.response.status_code": "502"})},
		"a call by core prod failed with no response: reset":                         {Kind: zipkin.Client, Tags: zipkin.TagsOf(map[string]string{"error": "reset"})},
		"the proxy of core prod responded with 503: no healthy upstream":             {Kind: zipkin.Client, Tags: zipkin.TagsOf(map[string]string{"component": "proxy", "error": "true", "http.status_code": "503", "response_flags": "UH"})},
		"the proxy of core prod responded with 418: a rule injects this fault":       {Kind: zipkin.Client, Tags: zipkin.TagsOf(map[string]string{"component": "proxy", "error": "true", "http.status_code": "418", "response_flags": "FI"})},
		"the proxy of core prod received 500 from the upstream":                      {Kind: zipkin.Client, Tags: zipkin.TagsOf(map[string]string{"component": "proxy", "error": "true", "http.status_code": "500", "response_flags": "-"})},
		"the proxy of core prod responded with no response: the caller disconnected": {Kind: zipkin.Client, Tags: zipkin.TagsOf(map[string]string{"component": "proxy", "error": "true", "http.status_code": "0", "response_flags": "DC"})},
	} {
		span.TraceID, span.ID, span.Timestamp, span.LocalEndpoint = traceID, "0000000000000001", 1000, core
		span.Tags = span.Tags.With(zipkin.TagsOf(map[string]string{"service.version": "prod"}))
		if got := detail([]*zipkin.Span{&span}, nil).Cause; got != want {
			t.Errorf("%v: %q, want %q", span.Tags, got, want)
		}
	}
	good := detail([]*zipkin.Span{{TraceID: traceID, ID: "0000000000000001", Timestamp: 1, Tags: zipkin.TagsOf(map[string]string{"response_flags": "DI", "fault.injected": "latency"})}}, nil)
	if good.Cause != "" || !good.Injected || good.Rows[0].Injected != "latency, delay by a rule" {
		t.Errorf("a trace with delays only: cause %q, injected %q", good.Cause, good.Rows[0].Injected)
	}
}
