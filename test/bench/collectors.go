package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collectors are the export targets of servers, one for each protocol.
type collectors struct {
	zipkin *sink
	otlp   *otlpSink
}

func newCollectors() (*collectors, error) {
	zipkin, err := zipkinSink()
	if err != nil {
		return nil, err
	}
	otlp, err := newOTLPSink()
	if err != nil {
		return nil, err
	}
	return &collectors{zipkin, otlp}, nil
}

func (c *collectors) spans() int64 { return c.zipkin.spans() + c.otlp.count.Load() }

// otlpSink receives spans by OTLP, over HTTP and over gRPC, and keeps only their number.
type otlpSink struct {
	address string
	count   atomic.Int64
}

// newOTLPSink serves a sink on loopback until this process ends.
func newOTLPSink() (*otlpSink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &otlpSink{address: l.Addr().String()}
	server := &http.Server{Handler: s, Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	go server.Serve(l)
	return s, nil
}

func (s *otlpSink) endpoint() string { return "http://" + s.address }

// ServeHTTP responds to an export with success. Over gRPC a message has a header of five bytes, and the status is a trailer
// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
func (s *otlpSink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	message, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 5<<20))
	grpc := strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc")
	if err == nil && grpc {
		message, err = grpcMessage(message)
	}
	var spans tracepb.TracesData // its bytes are the same as the request's
	if err == nil {
		err = proto.Unmarshal(message, &spans)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for _, resource := range spans.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			s.count.Add(int64(len(scope.Spans)))
		}
	}
	if !grpc {
		w.Header().Set("Content-Type", "application/x-protobuf")
		return
	}
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status")
	_, _ = w.Write(make([]byte, 5)) // an empty message
	w.Header().Set("Grpc-Status", "0")
}

// grpcMessage returns the one message of a call.
func grpcMessage(body []byte) ([]byte, error) {
	if len(body) < 5 || body[0] != 0 || int(binary.BigEndian.Uint32(body[1:])) != len(body)-5 {
		return nil, fmt.Errorf("want one message without compression, got %d bytes", len(body))
	}
	return body[5:], nil
}
