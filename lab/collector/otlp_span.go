package collector

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/hopline/hopline/lab/zipkin"
)

// zipkinSpan converts a span by the rules of https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/zipkin/ and, where those leave a
// choice, as OpenTelemetry's Zipkin exporter for Go does, so that a trace looks the same whichever protocol it used.
func zipkinSpan(resource *resourcepb.Resource, scope *commonpb.InstrumentationScope, span *tracepb.Span) (*zipkin.Span, error) {
	if len(span.GetTraceId()) != 16 || len(span.GetSpanId()) != 8 {
		return nil, fmt.Errorf("span %.80q: want a traceId of 16 bytes and a spanId of 8, got %d and %d", span.GetName(), len(span.GetTraceId()), len(span.GetSpanId()))
	}
	s := &zipkin.Span{
		TraceID:        hex.EncodeToString(span.GetTraceId()),
		ID:             hex.EncodeToString(span.GetSpanId()),
		ParentID:       hex.EncodeToString(span.GetParentSpanId()),
		Kind:           kindOf(span.GetKind()),
		Name:           span.GetName(),
		Timestamp:      int64(span.GetStartTimeUnixNano() / 1000),
		LocalEndpoint:  &zipkin.Endpoint{ServiceName: serviceName(resource)},
		RemoteEndpoint: remoteEndpoint(span),
		Tags:           zipkin.TagsOf(tagsOf(resource, scope, span)),
	}
	if begin, end := span.GetStartTimeUnixNano(), span.GetEndTimeUnixNano(); end > begin {
		s.Duration = max(int64((end-begin)/1000), 1)
	}
	for _, event := range span.GetEvents() {
		s.Annotations = append(s.Annotations, zipkin.Annotation{Timestamp: int64(event.GetTimeUnixNano() / 1000), Value: eventText(event)})
	}
	return s, s.Normalize()
}

func kindOf(kind tracepb.Span_SpanKind) zipkin.Kind {
	switch kind {
	case tracepb.Span_SPAN_KIND_SERVER:
		return zipkin.Server
	case tracepb.Span_SPAN_KIND_CLIENT:
		return zipkin.Client
	case tracepb.Span_SPAN_KIND_PRODUCER:
		return zipkin.Producer
	case tracepb.Span_SPAN_KIND_CONSUMER:
		return zipkin.Consumer
	}
	return "" // work within a service has no kind in Zipkin
}

func serviceName(resource *resourcepb.Resource) string {
	for _, attribute := range resource.GetAttributes() {
		if attribute.GetKey() == "service.name" {
			return attribute.GetValue().GetStringValue()
		}
	}
	return "unknown_service"
}

// tagsOf returns the attributes of span and resource, the scope and the status.
func tagsOf(resource *resourcepb.Resource, scope *commonpb.InstrumentationScope, span *tracepb.Span) map[string]string {
	tags := make(map[string]string, len(span.GetAttributes())+len(resource.GetAttributes())+4)
	for _, attribute := range span.GetAttributes() {
		tags[attribute.GetKey()] = text(attribute.GetValue())
	}
	for _, attribute := range resource.GetAttributes() {
		tags[attribute.GetKey()] = text(attribute.GetValue())
	}
	if scope.GetName() != "" {
		tags["otel.scope.name"] = scope.GetName()
		if scope.GetVersion() != "" {
			tags["otel.scope.version"] = scope.GetVersion()
		}
	}
	delete(tags, "error") // in Zipkin its presence, whatever the value, means a failure
	switch span.GetStatus().GetCode() {
	case tracepb.Status_STATUS_CODE_OK:
		tags["otel.status_code"] = "OK"
	case tracepb.Status_STATUS_CODE_ERROR:
		tags["otel.status_code"] = "ERROR"
		tags["error"] = span.GetStatus().GetMessage()
	}
	return tags
}

// remoteKeys holds the attributes that name the other side of a call, the best first.
var remoteKeys = [...]string{
	"peer.service", "server.address", "net.peer.name", "network.peer.address", "server.socket.domain", "server.socket.address",
	"net.sock.peer.name", "net.sock.peer.addr", "peer.hostname", "peer.address", "db.name",
}

// portKeys holds the port attributes for those of remoteKeys that are IP addresses.
var portKeys = map[string]string{
	"network.peer.address": "network.peer.port", "server.socket.address": "server.socket.port", "net.sock.peer.addr": "net.sock.peer.port",
}

func remoteEndpoint(span *tracepb.Span) *zipkin.Endpoint {
	if kind := span.GetKind(); kind != tracepb.Span_SPAN_KIND_CLIENT && kind != tracepb.Span_SPAN_KIND_PRODUCER {
		return nil
	}
	values := make(map[string]*commonpb.AnyValue, len(span.GetAttributes()))
	for _, attribute := range span.GetAttributes() {
		values[attribute.GetKey()] = attribute.GetValue()
	}
	for _, key := range remoteKeys {
		value := values[key].GetStringValue()
		if value == "" {
			continue
		}
		portKey, isAddress := portKeys[key]
		if !isAddress {
			return &zipkin.Endpoint{ServiceName: value}
		}
		return addressed(value, values[portKey])
	}
	return nil
}

// addressed returns an endpoint with only an IP address.
func addressed(address string, port *commonpb.AnyValue) *zipkin.Endpoint {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return nil
	}
	e := &zipkin.Endpoint{}
	if number, err := strconv.ParseUint(text(port), 10, 16); err == nil {
		e.Port = int(number)
	}
	if ip = ip.Unmap().WithZone(""); ip.Is4() {
		e.IPv4 = ip.String()
	} else {
		e.IPv6 = ip.String()
	}
	return e
}

// eventText returns an event as an annotation: its name, and its attributes as JSON.
func eventText(event *tracepb.Span_Event) string {
	if len(event.GetAttributes()) == 0 {
		return event.GetName()
	}
	attributes := make(map[string]any, len(event.GetAttributes()))
	for _, attribute := range event.GetAttributes() {
		attributes[attribute.GetKey()] = plain(attribute.GetValue(), 0)
	}
	encoded, err := json.Marshal(attributes)
	if err != nil { // NaN or an infinity
		return event.GetName()
	}
	return event.GetName() + ": " + string(encoded)
}

// text returns an attribute's value as a tag: strings unchanged, other values as JSON.
func text(value *commonpb.AnyValue) string {
	switch v := plain(value, 0).(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	default:
		encoded, err := json.Marshal(v)
		return cmp.Or(string(encoded), fmt.Sprint(err))
	}
}

// plain returns a value in the types of encoding/json. Lists and maps may nest as deeply as protobuf's own limit allows, and are cut at
// maxNesting.
func plain(value *commonpb.AnyValue, depth int) any {
	const maxNesting = 16
	if depth > maxNesting {
		return nil
	}
	switch v := value.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		return v.StringValue
	case *commonpb.AnyValue_BoolValue:
		return v.BoolValue
	case *commonpb.AnyValue_IntValue:
		return v.IntValue
	case *commonpb.AnyValue_DoubleValue:
		return v.DoubleValue
	case *commonpb.AnyValue_BytesValue:
		return v.BytesValue
	case *commonpb.AnyValue_ArrayValue:
		list := make([]any, 0, len(v.ArrayValue.GetValues()))
		for _, element := range v.ArrayValue.GetValues() {
			list = append(list, plain(element, depth+1))
		}
		return list
	case *commonpb.AnyValue_KvlistValue:
		object := make(map[string]any, len(v.KvlistValue.GetValues()))
		for _, member := range v.KvlistValue.GetValues() {
			object[member.GetKey()] = plain(member.GetValue(), depth+1)
		}
		return object
	}
	return nil
}
