package zipkin_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hopline/hopline/lab/zipkin"
)

// A span that AppendJSON writes decodes to the same span as the one that encoding/json writes.
func TestAppendJSONWritesWhatEncodingJSONWrites(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.StringMatching("[a-z0-9.-]{0,16}"), rapid.String())
		endpoint := rapid.Ptr(rapid.Custom(func(t *rapid.T) zipkin.Endpoint {
			return zipkin.Endpoint{ServiceName: text.Draw(t, "service"), IPv4: text.Draw(t, "ipv4"), IPv6: text.Draw(t, "ipv6"), Port: rapid.IntRange(0, 65535).Draw(t, "port")}
		}), true)
		span := zipkin.Span{
			TraceID: text.Draw(t, "trace"), ParentID: text.Draw(t, "parent"), ID: text.Draw(t, "id"), Name: text.Draw(t, "name"),
			Kind:      rapid.SampledFrom([]zipkin.Kind{"", zipkin.Client, zipkin.Server}).Draw(t, "kind"),
			Timestamp: rapid.Int64Range(0, 1<<53).Draw(t, "timestamp"), Duration: rapid.Int64Range(0, 1<<53).Draw(t, "duration"),
			LocalEndpoint: endpoint.Draw(t, "local"), RemoteEndpoint: endpoint.Draw(t, "remote"),
			Tags: zipkin.TagsOf(rapid.MapOf(text, text).Draw(t, "tags")), Debug: rapid.Bool().Draw(t, "debug"), Shared: rapid.Bool().Draw(t, "shared"),
		}
		for range rapid.IntRange(0, 2).Draw(t, "annotations") {
			span.Annotations = append(span.Annotations, zipkin.Annotation{Timestamp: rapid.Int64Range(0, 9).Draw(t, "at"), Value: text.Draw(t, "value")})
		}
		usual, err := json.Marshal(&span)
		if err != nil {
			t.Fatal(err)
		}
		var want, got any
		if err := json.Unmarshal(usual, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(span.AppendJSON(nil), &got); err != nil {
			t.Fatalf("%v: %s", err, span.AppendJSON(nil))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

func BenchmarkAppendJSON(b *testing.B) {
	span := zipkin.Span{TraceID: "463ac35c9f6413ad48485a3953bb6124", ID: "a2fb4a1d1a96d312", Kind: zipkin.Client, Name: "middle.hopline.svc.cluster.local:80/*",
		Timestamp: 1472470996199000, Duration: 207000, LocalEndpoint: &zipkin.Endpoint{ServiceName: "front"},
		RemoteEndpoint: &zipkin.Endpoint{ServiceName: "middle", IPv4: "127.0.0.1", Port: 40123},
		Tags: zipkin.TagsOf(map[string]string{"component": "proxy", "http.method": "GET", "http.status_code": "200", "http.url": "http://middle/hops", "istio.mesh_id": "cluster.local",
			"istio.namespace": "hopline", "node_id": "sidecar~127.0.0.1~front-1.hopline~hopline.svc.cluster.local", "response_flags": "-", "user_agent": "curl/8"})}
	b.Run("append", func(b *testing.B) {
		var buffer []byte
		for b.Loop() {
			buffer = span.AppendJSON(buffer[:0])
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		for b.Loop() {
			if _, err := json.Marshal(&span); err != nil {
				b.Fatal(err)
			}
		}
	})
}
