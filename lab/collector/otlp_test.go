package collector

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/hopline/hopline/lab/zipkin"
)

func str(key, value string) *commonpb.KeyValue {
	return attribute(key, &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}})
}

func integer(key string, value int64) *commonpb.KeyValue {
	return attribute(key, &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: value}})
}

func attribute(key string, value *commonpb.AnyValue) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: value}
}

var (
	traceID = []byte{0x5b, 0x8e, 0xff, 0xf7, 0x98, 0x03, 0x81, 0x03, 0xd2, 0x69, 0xb6, 0x33, 0x81, 0x3f, 0xc6, 0x0c}
	spanOne = []byte{0xee, 0xe1, 0x9b, 0x7e, 0xc3, 0xc1, 0xb1, 0x74}
	spanTwo = []byte{0xee, 0xe1, 0x9b, 0x7e, 0xc3, 0xc1, 0xb1, 0x73}
)

func request(spans ...*tracepb.Span) *tracepb.TracesData {
	return &tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource: &resourcepb.Resource{Attributes: []*commonpb.KeyValue{str("service.name", "Middle"), str("service.version", "canary")}},
		ScopeSpans: []*tracepb.ScopeSpans{{
			Scope: &commonpb.InstrumentationScope{Name: "hopline", Version: "1.0"},
			Spans: spans,
		}},
	}}}
}

// tags that every span of request has.
func withTags(more map[string]string) zipkin.Tags {
	tags := map[string]string{"service.name": "Middle", "service.version": "canary", "otel.scope.name": "hopline", "otel.scope.version": "1.0"}
	for key, value := range more {
		tags[key] = value
	}
	return zipkin.TagsOf(tags)
}

func TestOTLPProtobuf(t *testing.T) {
	t.Parallel()
	const begin = 1_544_712_660_000_000_000
	list := &commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{Values: []*commonpb.AnyValue{
		{Value: &commonpb.AnyValue_IntValue{IntValue: 1}}, {Value: &commonpb.AnyValue_BoolValue{BoolValue: true}},
		{Value: &commonpb.AnyValue_KvlistValue{KvlistValue: &commonpb.KeyValueList{Values: []*commonpb.KeyValue{str("k", "v")}}}},
	}}}}
	body, err := proto.Marshal(request(
		&tracepb.Span{
			TraceId: traceID, SpanId: spanOne, ParentSpanId: spanTwo, Kind: tracepb.Span_SPAN_KIND_CLIENT, Name: "GET core",
			StartTimeUnixNano: begin, EndTimeUnixNano: begin + 1_500_000,
			Attributes: []*commonpb.KeyValue{str("server.address", "core"), str("network.peer.address", "10.0.0.1"), integer("http.response.status_code", 503), str("error", "no"),
				attribute("ratio", &commonpb.AnyValue{Value: &commonpb.AnyValue_DoubleValue{DoubleValue: 0.25}}), attribute("list", list)},
			Events: []*tracepb.Span_Event{{TimeUnixNano: begin + 1000, Name: "exception", Attributes: []*commonpb.KeyValue{str("exception.message", "broken pipe")}}, {TimeUnixNano: begin + 5000, Name: "retry"}},
			Status: &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: "503"},
		},
		&tracepb.Span{
			TraceId: traceID, SpanId: spanTwo, Kind: tracepb.Span_SPAN_KIND_SERVER, Name: "GET /hops", StartTimeUnixNano: begin, EndTimeUnixNano: begin + 10,
			Attributes: []*commonpb.KeyValue{str("server.address", "middle")}, Status: &tracepb.Status{Code: tracepb.Status_STATUS_CODE_OK},
		},
		&tracepb.Span{
			TraceId: traceID, SpanId: traceID[:8], ParentSpanId: spanTwo, Kind: tracepb.Span_SPAN_KIND_CLIENT, Name: "call", StartTimeUnixNano: begin,
			Attributes: []*commonpb.KeyValue{str("network.peer.address", "10.0.0.1"), integer("network.peer.port", 8080)},
		},
	))
	if err != nil {
		t.Fatal(err)
	}
	for _, encoding := range []string{"", "gzip"} {
		c := start(t, Options{})
		sent := body
		header := http.Header{"Content-Type": {"application/x-protobuf"}}
		if encoding != "" {
			sent = zipped(t, body)
			header.Set("Content-Encoding", encoding)
		}
		server := httptest.NewServer(c.OTLP())
		got := ask(t, "POST", server.URL+"/v1/traces", sent, header)
		server.Close()
		if got.code != 200 || got.kind != "application/x-protobuf" || got.body != "" {
			t.Errorf("%s: got %+v", encoding, got)
		}
		spans, err := c.Trace("5b8efff798038103d269b633813fc60c")
		if err != nil {
			t.Fatal(err)
		}
		middle := &zipkin.Endpoint{ServiceName: "middle"}
		want := []*zipkin.Span{
			{TraceID: "5b8efff798038103d269b633813fc60c", ID: "eee19b7ec3c1b174", ParentID: "eee19b7ec3c1b173", Kind: zipkin.Client, Name: "get core",
				Timestamp: begin / 1000, Duration: 1500, LocalEndpoint: middle, RemoteEndpoint: &zipkin.Endpoint{ServiceName: "core"},
				Annotations: []zipkin.Annotation{{Timestamp: begin/1000 + 1, Value: `exception: {"exception.message":"broken pipe"}`}, {Timestamp: begin/1000 + 5, Value: "retry"}},
				Tags: withTags(map[string]string{"server.address": "core", "network.peer.address": "10.0.0.1", "http.response.status_code": "503", "ratio": "0.25",
					"list": `[1,true,{"k":"v"}]`, "otel.status_code": "ERROR", "error": "503"})},
			{TraceID: "5b8efff798038103d269b633813fc60c", ID: "eee19b7ec3c1b173", Kind: zipkin.Server, Name: "get /hops", Timestamp: begin / 1000, Duration: 1, LocalEndpoint: middle,
				Tags: withTags(map[string]string{"server.address": "middle", "otel.status_code": "OK"})},
			{TraceID: "5b8efff798038103d269b633813fc60c", ID: "5b8efff798038103", ParentID: "eee19b7ec3c1b173", Kind: zipkin.Client, Name: "call", Timestamp: begin / 1000, LocalEndpoint: middle,
				RemoteEndpoint: &zipkin.Endpoint{IPv4: "10.0.0.1", Port: 8080}, Tags: withTags(map[string]string{"network.peer.address": "10.0.0.1", "network.peer.port": "8080"})},
		}
		if diff := cmp.Diff(want, spans); diff != "" {
			t.Errorf("%s (-want +got):\n%s", encoding, diff)
		}
	}
}

// The body is the example of OTLP's specification (examples/trace.json), with a field of the future.
func TestOTLPJSON(t *testing.T) {
	t.Parallel()
	c := start(t, Options{})
	server := httptest.NewServer(c.OTLP())
	t.Cleanup(server.Close)
	body := `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"my.service"}}]},"scopeSpans":[{"scope":{"name":"my.library","version":"1.0.0"},
		"spans":[{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174","parentSpanId":"EEE19B7EC3C1B173","name":"I'm a server span","startTimeUnixNano":"1544712660000000000",
		"endTimeUnixNano":"1544712661000000000","kind":2,"ofTheFuture":[1],"attributes":[{"key":"my.span.attr","value":{"stringValue":"some value"}},{"key":"n","value":{"intValue":"7"}}]}]}]}]}`
	got := ask(t, "POST", server.URL+"/v1/traces", []byte(body), http.Header{"Content-Type": {"application/json"}})
	if got.code != 200 || got.kind != "application/json" || got.body != "{}" {
		t.Errorf("got %+v", got)
	}
	spans, err := c.Trace("5b8efff798038103d269b633813fc60c")
	if err != nil {
		t.Fatal(err)
	}
	want := []*zipkin.Span{{
		TraceID: "5b8efff798038103d269b633813fc60c", ID: "eee19b7ec3c1b174", ParentID: "eee19b7ec3c1b173", Kind: zipkin.Server, Name: "i'm a server span",
		Timestamp: 1544712660000000, Duration: 1000000, LocalEndpoint: &zipkin.Endpoint{ServiceName: "my.service"},
		Tags: zipkin.TagsOf(map[string]string{"my.span.attr": "some value", "n": "7", "service.name": "my.service", "otel.scope.name": "my.library", "otel.scope.version": "1.0.0"}),
	}}
	if diff := cmp.Diff(want, spans); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOTLPErrors(t *testing.T) {
	t.Parallel()
	c := start(t, Options{})
	server := httptest.NewServer(c.OTLP())
	t.Cleanup(server.Close)
	broken, err := proto.Marshal(request(&tracepb.Span{TraceId: traceID[:5], SpanId: spanOne, Name: "broken"}, &tracepb.Span{TraceId: traceID, SpanId: spanOne}, &tracepb.Span{TraceId: make([]byte, 16), SpanId: spanOne}))
	if err != nil {
		t.Fatal(err)
	}
	deep := []byte{}
	for range 20_000 { // lists within lists
		deep = append([]byte{0x0a, byte(0x80 | len(deep)&0x7f), byte(len(deep) >> 7 & 0x7f)}, deep...)
		if len(deep) > 16_000 {
			break
		}
	}
	for _, test := range []struct {
		name, kind, encoding string
		body                 []byte
		code                 int
		want                 string // in the body
	}{
		{"some spans are broken", "application/x-protobuf", "", broken, 200, "traceId is all zeros"},
		{"a broken id", "application/json", "", []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xyzw","spanId":"EEE19B7EC3C1B174","name":"a"}]}]}]}`), 200,
			`{"partialSuccess":{"errorMessage":"span \"a\": want a traceId of 16 bytes and a spanId of 8, got 0 and 8","rejectedSpans":"1"}}`},
		{"not protobuf", "application/x-protobuf", "", []byte("hello"), 400, "not an ExportTraceServiceRequest"},
		{"nested too deeply", "application/x-protobuf", "", deep, 400, "not an ExportTraceServiceRequest"},
		{"not JSON", "application/json", "", []byte("hello"), 400, `{"message":"not an ExportTraceServiceRequest`},
		{"neither", "text/plain", "", []byte("hello"), 415, `want application/x-protobuf or application/json, got "text/plain"`},
		{"too large", "application/json", "", bytes.Repeat([]byte(" "), maxBody+1), 413, "5 MiB"},
		{"a gzip bomb", "application/x-protobuf", "gzip", bomb(t, 100), 413, "5 MiB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{"Content-Type": {test.kind}}
			if test.encoding != "" {
				header.Set("Content-Encoding", test.encoding)
			}
			got := ask(t, "POST", server.URL+"/v1/traces", test.body, header)
			if got.code != test.code || !strings.Contains(got.body, test.want) {
				t.Errorf("got %d %q, want %d %s", got.code, got.body, test.code, test.want)
			}
		})
	}
	t.Run("routes", func(t *testing.T) {
		for path, want := range map[string]int{"/": 200, "/v1/traces": 405, "/v1/metrics": 404} {
			if got := ask(t, "GET", server.URL+path, nil, nil); got.code != want {
				t.Errorf("GET %s: %d, want %d", path, got.code, want)
			}
		}
	})
}
