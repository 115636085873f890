package collector

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/hopline/hopline/lab/zipkin"
)

// otlp serves OTLP over HTTP for traces, as in https://opentelemetry.io/docs/specs/otlp/#otlphttp: protobuf or JSON, with the response in
// the same encoding.
type otlp struct{ store *Store }

func newOTLP(s *Store) http.Handler {
	o := &otlp{store: s}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", o.post)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { // explains the address to a reader who follows the link
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintln(w, "OTLP over HTTP: POST /v1/traces")
	})
	return mux
}

// encoding is one of the two encodings of OTLP.
type encoding struct {
	contentType string
	decode      func([]byte) (*tracepb.TracesData, error)
	problem     func(reason string) []byte            // google.rpc.Status with a message
	partial     func(rejected int, why string) []byte // ExportTraceServiceResponse; empty when none was rejected
}

func encodingOf(r *http.Request) (encoding, bool) {
	switch kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind {
	case "application/x-protobuf":
		return encoding{kind, decodeProtobuf, protobufProblem, protobufPartial}, true
	case "application/json":
		return encoding{kind, decodeJSON, jsonProblem, jsonPartial}, true
	}
	return encoding{}, false
}

func (o *otlp) post(w http.ResponseWriter, r *http.Request) {
	enc, known := encodingOf(r)
	if !known {
		refuse(w, http.StatusUnsupportedMediaType, fmt.Sprintf("Content-Type: want application/x-protobuf or application/json, got %.80q", r.Header.Get("Content-Type")))
		return
	}
	answer := func(code int, body []byte) {
		w.Header().Set("Content-Type", enc.contentType)
		w.WriteHeader(code)
		_, _ = w.Write(body)
	}
	body, problem := readBody(w, r)
	if problem != nil {
		answer(problem.code, enc.problem(problem.reason))
		return
	}
	data, err := enc.decode(body)
	if err != nil {
		o.store.metrics.invalid.Inc() // at least one span; the number in the body is unknown
		answer(http.StatusBadRequest, enc.problem(err.Error()))
		return
	}
	spans, rejected, why := fromOTLP(data)
	o.store.metrics.received.WithLabelValues("otlp").Add(float64(len(spans) + rejected))
	o.store.metrics.invalid.Add(float64(rejected))
	o.store.accept(spans)
	answer(http.StatusOK, enc.partial(rejected, why))
}

// decodeProtobuf reads an ExportTraceServiceRequest. It has the wire format of TracesData, whose package does not need gRPC.
func decodeProtobuf(body []byte) (*tracepb.TracesData, error) {
	data := new(tracepb.TracesData)
	if err := proto.Unmarshal(body, data); err != nil {
		return nil, fmt.Errorf("not an ExportTraceServiceRequest: %w", err)
	}
	return data, nil
}

// decodeJSON reads an ExportTraceServiceRequest in OTLP's JSON, where ids are hex instead of protobuf's base64.
func decodeJSON(body []byte) (*tracepb.TracesData, error) {
	data := new(tracepb.TracesData)
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(body, data); err != nil {
		return nil, fmt.Errorf("not an ExportTraceServiceRequest: %w", err)
	}
	for _, resource := range data.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				for _, id := range []*[]byte{&span.TraceId, &span.SpanId, &span.ParentSpanId} {
					*id = unhex(*id)
				}
			}
		}
	}
	return data, nil
}

// unhex reverses the base64 decoding of a string of hex digits and decodes it as hex. Invalid hex gives no id, which is then rejected as
// such.
func unhex(decoded []byte) []byte {
	id, err := hex.DecodeString(base64.StdEncoding.EncodeToString(decoded))
	if err != nil {
		return nil
	}
	return id
}

func protobufProblem(reason string) []byte {
	const message = 2 // of google.rpc.Status
	return protowire.AppendString(protowire.AppendTag(nil, message, protowire.BytesType), reason)
}

func jsonProblem(reason string) []byte { return mustJSON(map[string]string{"message": reason}) }

func protobufPartial(rejected int, why string) []byte {
	if rejected == 0 {
		return nil
	}
	const partialSuccess, rejectedSpans, errorMessage = 1, 1, 2
	partial := protowire.AppendVarint(protowire.AppendTag(nil, rejectedSpans, protowire.VarintType), uint64(rejected))
	partial = protowire.AppendString(protowire.AppendTag(partial, errorMessage, protowire.BytesType), why)
	return protowire.AppendBytes(protowire.AppendTag(nil, partialSuccess, protowire.BytesType), partial)
}

func jsonPartial(rejected int, why string) []byte {
	if rejected == 0 {
		return []byte("{}")
	}
	return mustJSON(map[string]any{"partialSuccess": map[string]string{"rejectedSpans": fmt.Sprint(rejected), "errorMessage": why}})
}

// mustJSON encodes maps of strings, which cannot fail.
func mustJSON(value any) []byte {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return data
}

// fromOTLP converts a request to Zipkin spans, and counts those that are invalid: why is the reason for the last.
func fromOTLP(data *tracepb.TracesData) (spans []*zipkin.Span, rejected int, why string) {
	for _, resource := range data.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				made, err := zipkinSpan(resource.GetResource(), scope.GetScope(), span)
				if err != nil {
					rejected++
					why = err.Error()
					continue
				}
				spans = append(spans, made)
			}
		}
	}
	return spans, rejected, why
}
